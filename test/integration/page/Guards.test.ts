import { assert, describe, layer } from "@effect/vitest"
import { Effect, PubSub } from "effect"
import type { OverviewJson } from "../../../src/services/http/OverviewJson.ts"
import { Browser, does, open } from "../../support/page/Browser.ts"
import { someOverview, withServer } from "../http/Scripted.ts"

const hold: OverviewJson["holds"][number] = {
  kind: "mass_failure",
  hash: "00c0ffee00c0ffee",
  words: "9 of 12 hosts fell silent together: confirm 00c0ffee00c0ffee to fail them over",
  since: "2026-03-01T12:00:05.000Z",
  until: null,
  hosts: Array.from({ length: 9 }, (_, n) => `10.0.0.${n + 1}`),
}

/** Deletions that wait have a place of their own. */
const titles = [
  ["monitor_cut_off", "This monitor is cut off"],
  ["after_cut_off", "Hosts failed while nobody was heard"],
  ["mass_failure", "Many hosts failed together"],
  ["failover_limit", "More hosts failed than are failed over in a minute"],
] as const

const ofKind = (kind: (typeof titles)[number][0]): typeof hold => ({
  ...hold,
  kind,
  hash: titles
    .findIndex(([one]) => one === kind)
    .toString(16)
    .padStart(16, "0"),
  words: `${kind} in words`,
  until: "2126-03-01T12:00:05.000Z",
})

layer(Browser.layer, { excludeTestServices: true })("the page", (it) => {
  describe("when a guard holds failures", () => {
    it.effect("says so, which hosts keep their routes, and lets them go only after a second look", () =>
      withServer(
        (url, script) =>
          Effect.gen(function* () {
            const { complaints, page } = yield* open(url)
            const card = page.locator(".guard")
            yield* does(() => card.getByRole("heading", { name: "Many hosts failed together" }).waitFor())
            const text = (yield* does(() => card.textContent())) ?? ""
            assert.include(text, hold.words)
            assert.include(text, "10.0.0.8 and 1 more")
            const button = card.getByRole("button", { name: "Let it go", exact: true })
            assert.isFalse(yield* does(() => button.isVisible()))
            yield* does(() => card.getByText("Let it go all the same…").click())
            yield* does(() => card.getByText("Routes move off 9 hosts at once.").waitFor())
            const answered = page.waitForResponse((response) => response.url().endsWith(`/held/${hold.hash}/confirm`))
            yield* does(() => button.click())
            yield* does(() => answered)
            assert.deepStrictEqual(script.confirmed, [hold.hash])
            script.overview = Effect.succeed(someOverview)
            yield* PubSub.publish(script.changes, undefined)
            yield* does(() => card.waitFor({ state: "detached" }))
            assert.deepStrictEqual(complaints, [])
          }).pipe(Effect.scoped),
        { change: (script) => (script.overview = Effect.succeed({ ...someOverview, holds: [hold] })) },
      ),
    )

    it.effect("has a card for every kind, with its words, since when, until when, and its own hash to let it go", () =>
      withServer(
        (url, script) =>
          Effect.gen(function* () {
            const { complaints, page } = yield* open(url)
            for (const [kind, title] of titles) {
              const card = page.locator(`.guard[data-guard="${kind}"]`)
              yield* does(() => card.getByRole("heading", { name: title }).waitFor())
              script.heldHash = ofKind(kind).hash
              const text = (yield* does(() => card.textContent())) ?? ""
              assert.include(text, ofKind(kind).words)
              assert.match(text, /for .*; looked at again in/)
              yield* does(() => card.getByText("Let it go all the same…").click())
              const answered = page.waitForResponse((response) => response.url().endsWith("/confirm"))
              yield* does(() => card.getByRole("button", { name: "Let it go", exact: true }).click())
              yield* does(() => answered)
            }
            assert.deepStrictEqual(
              script.confirmed,
              titles.map(([kind]) => ofKind(kind).hash),
            )
            assert.deepStrictEqual(complaints, [])
          }).pipe(Effect.scoped),
        {
          change: (script) =>
            (script.overview = Effect.succeed({ ...someOverview, holds: titles.map(([kind]) => ofKind(kind)) })),
        },
      ),
    )
  })
})
