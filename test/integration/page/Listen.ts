import * as Http from "node:http"
import { Effect, Schema, type Scope } from "effect"

/** One server-sent event. */
export interface Heard {
  readonly name: string
  readonly data: unknown
  /** `performance.now()` */
  readonly at: number
}

export interface Listener {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly events: ReadonlyArray<Heard>
  /** Waits until the events are so. */
  readonly until: (test: (events: ReadonlyArray<Heard>) => boolean) => Effect.Effect<void>
  /** Waits until the answer has ended. */
  readonly ended: Effect.Effect<"whole" | "cut off">
  /** Stops reading, as a client does whose machine is too busy. */
  readonly stopReading: Effect.Effect<void>
  readonly readOn: Effect.Effect<void>
  readonly leave: Effect.Effect<void>
}

const parse = (text: string): Omit<Heard, "at"> => {
  const fields = text.split("\n").map((line) => /^(\w+): (.*)$/.exec(line) ?? [])
  const field = (name: string) => fields.find(([, key]) => key === name)?.[2] ?? ""
  return { name: field("event"), data: JSON.parse(field("data")) }
}

const request = (url: string, headers: Http.OutgoingHttpHeaders): Effect.Effect<Http.IncomingMessage, Error> =>
  Effect.callback((resume) => {
    const asked = Http.get(`${url}/events`, { agent: false, headers }, (answer) => resume(Effect.succeed(answer)))
    asked.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => asked.destroy())
  })

/** Listens to `GET /events` until the scope ends. */
export const listen = Effect.fnUntraced(function* (
  url: string,
  headers: Http.OutgoingHttpHeaders = {},
): Effect.fn.Return<Listener, Error, Scope.Scope> {
  const answer = yield* Effect.acquireRelease(request(url, headers), (found) => Effect.sync(() => found.destroy()))
  const events: Array<Heard> = []
  const watchers = new Set<() => void>()
  const tell = () => watchers.forEach((watcher) => watcher())
  let text = ""
  let end: "whole" | "cut off" | undefined
  answer.setEncoding("utf8")
  answer.on("data", (chunk: string) => {
    text += chunk
    for (let at = text.indexOf("\n\n"); at !== -1; at = text.indexOf("\n\n")) {
      events.push({ ...parse(text.slice(0, at)), at: performance.now() })
      text = text.slice(at + 2)
    }
    tell()
  })
  answer.on("error", () => undefined)
  answer.on("close", () => {
    end = answer.complete ? "whole" : "cut off"
    tell()
  })
  const until = (test: () => boolean) =>
    Effect.callback<void>((resume) => {
      const look = () => (test() ? resume(Effect.void) : undefined)
      watchers.add(look)
      look()
      return Effect.sync(() => watchers.delete(look))
    })
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    events,
    until: (test) => until(() => test(events)),
    ended: Effect.map(
      until(() => end !== undefined),
      () => end ?? "cut off",
    ),
    stopReading: Effect.sync(() => answer.pause()),
    readOn: Effect.sync(() => answer.resume()),
    leave: Effect.sync(() => answer.destroy()),
  }
})

const Hello = Schema.Struct({ version: Schema.String, may_write: Schema.Boolean })
export const hello = ({ events }: Listener) => Schema.decodeUnknownSync(Hello)(events[0]?.data)
export const named = (events: ReadonlyArray<Heard>, name: string) => events.filter((event) => event.name === name)
