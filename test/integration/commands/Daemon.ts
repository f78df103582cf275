import { createServer, type IncomingMessage, type Server } from "node:http"
import { Effect, type Scope } from "effect"
import { start, statusOf } from "../cli/Running.ts"

const spec = {
  "10.55.16.0/24": ["10.33.20.93", "10.33.30.22"],
  "10.66.17.0/24": ["10.33.20.93", "10.33.40.11"],
}

export const post = (url: string, body?: unknown): Effect.Effect<number> =>
  Effect.promise(() =>
    fetch(url, {
      method: "POST",
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    }).then(({ status }) => status),
  )

/** Waits until the daemon's status is so; gives that status. */
export const untilStatus = (url: string, isSo: (status: Effect.Success<ReturnType<typeof statusOf>>) => boolean) =>
  Effect.repeat(Effect.delay(statusOf(url), "50 millis"), { until: isSo, times: 400 })

/** A daemon on the simulated VPC with a spec in force and its routes written; gives its URL. */
export const daemonWith = Effect.fnUntraced(function* (
  routeSpec: Readonly<Record<string, ReadonlyArray<string>>> = spec,
  ...args: ReadonlyArray<string>
) {
  const daemon = yield* start(["-m", "http", "--simulate", "-p", "0", ...args])
  const url = yield* daemon.url
  yield* post(`${url}/route_spec`, routeSpec)
  const isWritten = args.includes("--dry-run")
    ? ({ pending }: { readonly pending: ReadonlyArray<unknown> }) => pending.length > 0
    : ({ counts, routes }: { readonly counts: { readonly pending: number }; readonly routes: object }) =>
        counts.pending === 0 && Object.keys(routes).length === Object.keys(routeSpec).length
  yield* untilStatus(url, isWritten)
  return { daemon, url }
})

/** A server that answers as it is told; gives its URL. */
export const answering = (
  answer: (request: IncomingMessage) => { readonly status: number; readonly type: string; readonly body: string },
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((request, response) => {
        const { body, status, type } = answer(request)
        response.writeHead(status, { "content-type": type }).end(body)
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => server.closeAllConnections()).pipe(Effect.andThen(Effect.sync(() => void server.close()))),
  ).pipe(
    Effect.map((server) => {
      const where = server.address()
      return `http://127.0.0.1:${typeof where === "object" ? where?.port : 0}`
    }),
  )
