import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Browser, does, look, open } from "../../support/page/Browser.ts"
import { button, daemon, lastingPort, log, postSpec, spec, untilCells, watching } from "./Watching.ts"

layer(Browser.layer, { excludeTestServices: true })("the page", (it) => {
  describe("when the daemon goes away", () => {
    it.effect("says since when what it shows is old, and is live again by itself once the daemon is back", () =>
      Effect.gen(function* () {
        const { page, running, url } = yield* watching({}, spec, yield* lastingPort)
        const status = page.locator("#connection")
        assert.strictEqual(yield* does(() => status.innerText()), "Live")
        const began = performance.now()
        yield* running.send("SIGTERM")
        const { code } = yield* running.ended
        // A page that listens does not hold up the end.
        assert.isBelow(performance.now() - began, 20_000)
        assert.strictEqual(code, 0)
        yield* does(() =>
          status.getByText(/^Not connected: what you see is from \d\d:\d\d:\d\d\. Trying again…$/).waitFor(),
        )
        // What is shown stays, and says what it is.
        yield* untilCells(page, (words) => words.some((text) => text.includes("healthy")))

        yield* does(() => button(page, "Fail 10.33.20.93").click())
        yield* does(() => page.getByRole("alert").getByText("Not done: vpc-router does not answer").waitFor())

        const again = yield* daemon(Number(new URL(url).port))
        yield* again.url
        yield* does(() => status.getByText("Live", { exact: true }).waitFor())
        yield* does(() => page.getByRole("alert").getByText("Not done").waitFor({ state: "hidden" }))
        yield* does(() => log(page).getByText("vpc-router was restarted").waitFor())
        yield* does(() => page.getByText("No spec is in force: nothing is protected").waitFor())
        yield* postSpec(url, spec)
        yield* untilCells(
          page,
          (words) => words.length === 12 && words.every((text) => /healthy|never touched/.test(text)),
        )
      }),
    )

    it.effect("a window that finds no room says so, and is let in as soon as there is some", () =>
      Effect.gen(function* () {
        const running = yield* daemon()
        const url = yield* running.url
        let refusals = 0
        const { page } = yield* open(url, {}, async (page) => {
          await page.addInitScript(`addEventListener("DOMContentLoaded", () => {
            const status = document.getElementById("connection")
            window.said = []
            new MutationObserver(() => window.said.push(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true })
          })`)
          await page.route("**/events", (route) =>
            refusals++ < 2 ? route.fulfill({ status: 503, body: `{"detail":"32 listen already"}` }) : route.continue(),
          )
        })
        // It says so for a second at least: what it said is kept, for a machine too busy to look in time.
        yield* does(() => page.locator("#connection").getByText("Live", { exact: true }).waitFor())
        assert.strictEqual(refusals, 3)
        assert.include(
          yield* look(page, "window.said", Schema.Array(Schema.String)),
          "Not connected: 32 listen already. Trying again…",
        )
      }),
    )
  })
})
