import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import { type Browser as Chromium, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { ToolFailed } from "../netns/Tools.ts"

const program = "/usr/bin/chromium"

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

/** A real Chromium, one for a file of tests. */
export class Browser extends Context.Service<Browser, Chromium>()("test/Browser") {
  static readonly layer = Layer.effect(
    Browser,
    Effect.gen(function* () {
      if (!existsSync(program))
        return yield* new ToolFailed({ message: `${program} is not there: please install the package chromium` })
      // Whatever it writes goes with it.
      const home = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "chromium-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })),
      )
      const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home }
      return yield* Effect.acquireRelease(
        Effect.promise(() => chromium.launch({ executablePath: program, args, env, handleSIGINT: false })),
        (browser) => Effect.promise(() => browser.close()),
      )
    }),
  )
}

/** A page as somebody has it open, and what it did that no page of ours may do. */
export interface Opened {
  readonly page: Page
  /** Addresses that were asked for. */
  readonly requests: ReadonlyArray<string>
  /** Errors, and what the policy of the page forbade. */
  readonly complaints: ReadonlyArray<string>
}

/** Runs something of Playwright's in an Effect. */
export const does = <A>(work: () => Promise<A>): Effect.Effect<A> => Effect.promise(work)

/** What an expression gives in the page. */
export const look = <A>(page: Page, expression: string, shape: Schema.Codec<A, unknown>): Effect.Effect<A> =>
  Effect.map(
    does<unknown>(() => page.evaluate(expression)),
    Schema.decodeUnknownSync(shape),
  )

/** Opens an address in a window of its own. */
export const open = Effect.fnUntraced(function* (
  url: string,
  options: BrowserContextOptions = {},
  prepare: (page: Page) => Promise<unknown> = async () => undefined,
): Effect.fn.Return<Opened, never, Browser | Scope.Scope> {
  const browser = yield* Browser
  const context = yield* Effect.acquireRelease(
    does(() => browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })),
    (found) => does(() => found.close()),
  )
  // However busy the machine is: a test has a minute in all.
  context.setDefaultTimeout(45_000)
  const page = yield* does(() => context.newPage())
  const requests: Array<string> = []
  const complaints: Array<string> = []
  page.on("request", (request) => requests.push(request.url()))
  page.on("pageerror", (error) => complaints.push(error.message))
  page.on("console", (message) => {
    // That a connection was refused is what some tests are about.
    if (message.type() === "error" && !/net::ERR_|Failed to load resource/.test(message.text()))
      complaints.push(message.text())
  })
  yield* does(() => prepare(page))
  yield* does(() => page.goto(url))
  return { page, requests, complaints }
})
