import type * as Http from "node:http"
import { Effect, Queue, type Scope } from "effect"
import type { Turns } from "../Turns.ts"

export type Handler = (request: Http.IncomingMessage, response: Http.ServerResponse) => void

/** Hands requests on in the order in which they came, each when HTTP has its turn. */
export const inTurns = Effect.fnUntraced(function* (
  turns: Turns,
  handler: Handler,
): Effect.fn.Return<Handler, never, Scope.Scope> {
  // Bounded by the server's limits: so many connections, a few requests of each.
  const arrivals = yield* Effect.acquireRelease(
    Queue.unbounded<readonly [Http.IncomingMessage, Http.ServerResponse]>(),
    Queue.shutdown,
  )
  const next = Effect.flatMap(Queue.take(arrivals), ([request, response]) =>
    // Nobody waits for the answer any more.
    response.closed ? Effect.void : turns.take(() => handler(request, response)),
  )
  yield* Effect.forkScoped(Effect.forever(next))
  return (request, response) => void Queue.offerUnsafe(arrivals, [request, response])
})
