import { createServer } from "node:net"
import { assert } from "@effect/vitest"
import { Effect, Random, Schedule, Schema } from "effect"
import type { BrowserContextOptions, Page } from "playwright-core"
import { look, open } from "../../support/page/Browser.ts"
import { start } from "../cli/Running.ts"
import { ask } from "../http/Ask.ts"

export type Spec = Readonly<Record<string, ReadonlyArray<string>>>

export const spec: Spec = {
  "10.55.16.0/24": ["10.33.20.93", "10.33.30.22"],
  "10.66.17.0/24": ["10.33.20.93", "10.33.30.22", "10.33.40.11"],
  "10.77.18.0/24": ["10.33.20.101", "10.33.30.22"],
  "172.20.0.0/16": ["10.33.30.22", "10.33.40.11"],
}
/** The tables of the simulated VPC; in the last of them 172.20.0.0/16 is somebody else's. */
export const tables = ["rtb-00main", "rtb-0a20", "rtb-0b30"]

/** The daemon on a simulated VPC, as a process. */
export const daemon = (port = 0) => start(["--mode", "http", "--simulate", "--port", String(port)])

const isFree = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen(port, "localhost", () => server.close(() => resume(Effect.succeed(true))))
  })

/** A port that nobody else is given meanwhile: it lies below those that Linux hands out (32768 and above). */
export const lastingPort: Effect.Effect<number> = Effect.repeat(
  Effect.flatMap(Random.nextIntBetween(20_000, 30_000), (port) =>
    Effect.map(isFree(port), (free) => (free ? port : undefined)),
  ),
  { until: (port) => port !== undefined },
)

export const postSpec = Effect.fnUntraced(function* (url: string, body: Spec) {
  const headers = { "content-type": "application/json" }
  const { status, text } = yield* ask(url, { method: "POST", path: "/route_spec", headers, body: JSON.stringify(body) })
  assert.strictEqual(status, 200, text)
})

const Cells = Schema.Record(Schema.String, Schema.Array(Schema.String))
export type Cells = typeof Cells.Type

const readCells = `Object.fromEntries([...document.querySelectorAll("#matrix-rows tr")].map((row) => [
  row.querySelector("th").textContent,
  [...row.querySelectorAll("td .now")].map((words) => words.textContent.trim()),
]))`

/** The words of each cell of the topology, by row: mark, host, and what is said of it. */
export const cells = (page: Page): Effect.Effect<Cells> => look(page, readCells, Cells)

/** Waits until there are cells and they are so, and gives them. */
export const untilCells = (page: Page, test: (words: ReadonlyArray<string>) => boolean): Effect.Effect<Cells> =>
  cells(page).pipe(
    Effect.repeat({
      until: (seen) => Object.keys(seen).length > 0 && test(Object.values(seen).flat()),
      schedule: Schedule.spaced(20),
    }),
    Effect.timeoutOrElse({
      duration: "45 seconds",
      orElse: () =>
        Effect.flatMap(cells(page), (seen) => Effect.die(new Error(`the cells are ${JSON.stringify(seen)}`))),
    }),
  )

/** A daemon that has a spec in force, and a page that shows its routes. */
export const watching = Effect.fnUntraced(function* (options: BrowserContextOptions = {}, body: Spec = spec, port = 0) {
  const running = yield* daemon(port)
  const url = yield* running.url
  yield* postSpec(url, body)
  const opened = yield* open(url, options)
  yield* untilCells(opened.page, (words) => words.every((text) => /healthy|never touched/.test(text)))
  return { running, url, ...opened }
})

export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })
export const log = (page: Page) => page.getByRole("log")
