import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { Browser, does, look } from "../../support/page/Browser.ts"
import { ask, readAs } from "../http/Ask.ts"
import { button, cells, log, untilCells, watching } from "./Watching.ts"

const host = "10.33.30.22"
const other = "10.33.40.11"
/** Both destinations are the host's, and only one of them has another host. */
const spec = { "10.55.16.0/24": [host, other], "10.77.18.0/24": [host] }

layer(Browser.layer, { excludeTestServices: true })("the page", (it) => {
  describe("takes hosts out of service", () => {
    it.effect("a drain says what will move, moves it when confirmed, and is taken back by the same button", () =>
      Effect.gen(function* () {
        const { complaints, page, url } = yield* watching({}, { "10.55.16.0/24": [host], "10.77.18.0/24": [host] })
        const status = Effect.map(ask(url, { path: "/status" }), (answer) => readAs(StatusJson, answer))
        const post = (body: object) =>
          ask(url, {
            method: "POST",
            path: "/route_spec",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          })
        assert.strictEqual((yield* post(spec)).status, 200)
        const cardOf = (ip: string) =>
          page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: ip, exact: true }) })
        const card = cardOf(host)
        yield* does(() => card.getByText("carries 2 destinations in 6 routes").waitFor())
        // Before it is known to be healthy, nothing could move to it.
        yield* does(() => cardOf(other).getByText("healthy", { exact: true }).waitFor())

        const dialog = page.getByRole("dialog", { name: `Drain ${host}?` })
        yield* does(() => button(page, `Drain ${host}`).press("Enter"))
        yield* does(() => dialog.waitFor())
        assert.deepStrictEqual(yield* does(() => dialog.getByRole("listitem").allInnerTexts()), [
          `10.55.16.0/24: 3 routes → ${other}`,
          "10.77.18.0/24: 3 routes stay, no other host can take them",
        ])
        // Nothing is done by opening it, nor by leaving it.
        yield* does(() => dialog.getByRole("button", { name: "Leave it in service" }).press("Enter"))
        yield* does(() => dialog.waitFor({ state: "hidden" }))
        assert.deepStrictEqual((yield* status).drained, [])

        yield* does(() => button(page, `Drain ${host}`).press("Enter"))
        yield* does(() => dialog.getByRole("button", { name: "Drain and move 3 routes" }).press("Enter"))
        yield* does(() => dialog.waitFor({ state: "hidden" }))
        const moved = yield* untilCells(page, (words) => words.filter((text) => text.includes(other)).length === 3)
        assert.isTrue(moved["10.55.16.0/24"]?.every((text) => text.includes(`${other} healthy`)))
        assert.isTrue(moved["10.77.18.0/24"]?.every((text) => text.includes(`${host} drained host`)))
        yield* does(() => log(page).getByText(`Host ${host} is drained`).waitFor())
        yield* does(() => card.getByText("3 routes stay; see what is held back").waitFor())
        yield* does(() =>
          page
            .locator("#held")
            .getByText(/10\.77\.18\.0\/24 no healthy host/)
            .waitFor(),
        )
        assert.deepStrictEqual((yield* status).drained, [host])

        // Another host for what stayed: then the host is free.
        assert.strictEqual((yield* post({ ...spec, "10.77.18.0/24": [host, other] })).status, 200)
        yield* does(() => log(page).getByText(`No route leads to the drained host ${host} any more`).waitFor())
        yield* does(() => card.getByText("no route leads to it any more").waitFor())

        yield* does(() => button(page, `Undrain ${host}`).press("Space"))
        yield* does(() => log(page).getByText(`Host ${host} is in service again`).waitFor())
        yield* does(() => button(page, `Drain ${host}`).waitFor())
        assert.strictEqual(
          yield* look(page, `document.activeElement.getAttribute("aria-label")`, Schema.String),
          `Drain ${host}`,
        )
        assert.deepStrictEqual((yield* status).drained, [])
        // No route moves back by it.
        assert.isTrue(
          Object.values(yield* cells(page))
            .flat()
            .every((text) => text.includes(`${other} healthy`)),
        )

        // Nothing moves by draining a host that carries nothing: nothing is asked.
        yield* does(() => button(page, `Drain ${host}`).press("Enter"))
        yield* does(() => button(page, `Undrain ${host}`).waitFor())
        assert.deepStrictEqual((yield* status).drained, [host])
        assert.deepStrictEqual(complaints, [])
      }),
    )
  })
})
