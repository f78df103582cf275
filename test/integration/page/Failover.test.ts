import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { Browser, does } from "../../support/page/Browser.ts"
import { ask, readAs } from "../http/Ask.ts"
import { button, cells, log, postSpec, spec, untilCells, watching } from "./Watching.ts"

const duration = (millis: number) => (millis < 1_000 ? `${Math.round(millis)} ms` : `${(millis / 1_000).toFixed(1)} s`)

const isOn = (host: string) => (text: string) => text.includes(host)

layer(Browser.layer, { excludeTestServices: true })("the page", (it) => {
  describe("shows a failover as it comes", () => {
    it.effect("a host is failed by its button: its cells change hosts, and the log says what happened", () =>
      Effect.gen(function* () {
        const { complaints, page, requests, url } = yield* watching()
        const before = yield* cells(page)
        const host = /[\d.]+/.exec(before["10.66.17.0/24"]?.[0] ?? "")?.[0] ?? ""
        assert.isTrue(spec["10.66.17.0/24"]?.includes(host))
        const carried = Object.values(before).flat().filter(isOn(host)).length
        assert.isAtLeast(carried, 3)

        yield* does(() => button(page, `Fail ${host}`).click())
        const moved = yield* untilCells(page, (words) => !words.some(isOn(host)))
        for (const [cidr, words] of Object.entries(moved)) {
          assert.isTrue(
            words.every((text) => /healthy|never touched/.test(text)),
            `${cidr}: ${words.join(", ")}`,
          )
          // Cells that the host did not carry are as they were.
          for (const [i, text] of (before[cidr] ?? []).entries())
            if (!isOn(host)(text)) assert.strictEqual(words[i], text)
        }
        const complete = new RegExp(`Failover of ${host} complete: ${carried} routes moved, the last [\\d.]+ m?s after`)
        yield* does(() => log(page).getByText(complete).waitFor())
        yield* does(() => log(page).getByText(`Host ${host} failed: no reply to 3 probes`).waitFor())
        const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: host, exact: true }) })
        assert.match(yield* does(() => card.innerText()), /failed for \d+ (s|min): no reply to 3 probes/)
        const failover = page.locator(".failover").filter({ hasText: host }).first()
        const story = yield* does(() => failover.innerText())
        assert.include(story, `${carried} routes moved`)
        // The figures are those of the API.
        const { failovers } = readAs(StatusJson, yield* ask(url, { path: "/status" }))
        assert.include(story, `first write +${duration(failovers[0]?.first_write_ms ?? -1)}`)
        assert.include(story, `last write +${duration(failovers[0]?.last_write_ms ?? -1)}`)

        yield* does(() => button(page, `Heal ${host}`).click())
        yield* does(() => log(page).getByText(`Host ${host} is healthy again`).waitFor())
        assert.deepStrictEqual(yield* cells(page), moved)
        assert.deepStrictEqual(complaints, [])
        assert.deepStrictEqual([...new Set(requests.map((request) => new URL(request).origin))], [url])
      }),
    )

    it.effect("what cannot be done is shown with its reason: no healthy host, and a route of another kind", () =>
      Effect.gen(function* () {
        const { page } = yield* watching({}, { "10.55.16.0/24": ["10.33.20.93"], "172.20.0.0/16": ["10.33.40.11"] })
        yield* does(() => button(page, "Fail 10.33.20.93").click())
        yield* untilCells(
          page,
          (words) => words.filter((text) => text.includes("10.33.20.93 failed host")).length === 3,
        )
        const held = page.locator("#held")
        yield* does(() => held.getByText(/10\.55\.16\.0\/24 no healthy host: 10\.33\.20\.93 no reply/).waitFor())
        yield* does(() => held.getByText(/172\.20\.0\.0\/16 in rtb-0b30 a route of another kind stands here/).waitFor())
        const words = yield* does(() => page.locator("#figures").innerText())
        assert.match(words, /Destinations\s+2\s+✕\s+1 on failed hosts/)
        assert.match(words, /Hosts\s+2\s+✕\s+1 failed/)
      }),
    )

    it.effect("held deletions are confirmed on the page, and only after a second look", () =>
      Effect.gen(function* () {
        const { page, url } = yield* watching()
        yield* postSpec(url, {})
        yield* does(() => page.getByRole("heading", { name: "Deletions wait for you" }).waitFor())
        const dialog = page.getByRole("dialog", { name: "Delete these routes?" })
        const { brake } = readAs(StatusJson, yield* ask(url, { path: "/status" }))
        assert.include(yield* does(() => page.locator("#brake").innerText()), brake?.hash ?? "a hash")
        yield* does(() => button(page, "Review and confirm…").click())
        assert.deepStrictEqual(yield* does(() => dialog.getByRole("listitem").allInnerTexts()), [
          ...(brake?.deletions ?? []),
        ])
        yield* does(() => dialog.getByRole("button", { name: "Delete 11 routes" }).click())
        yield* does(() => log(page).getByText("No deletions are held any more").waitFor())
        yield* does(() => page.getByText("The spec names no destination.").waitFor())
        const { tables } = readAs(StatusJson, yield* ask(url, { path: "/status" }))
        assert.isFalse(tables.some(({ cells }) => cells.some(({ owned }) => owned)))
      }),
    )
  })
})
