import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Page } from "playwright-core"
import { Browser, does, look } from "../../support/page/Browser.ts"
import { ask } from "../http/Ask.ts"
import { Faint, faintTexts, lightness } from "./Contrast.ts"
import { button, log, postSpec, spec, tables, untilCells, watching } from "./Watching.ts"

const focused = (page: Page) =>
  look(
    page,
    `document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim()`,
    Schema.String,
  )

/** Presses Tab until the element with these words has the focus; at most as often as there are places to go to. */
const tabTo = Effect.fnUntraced(function* (page: Page, words: string) {
  const passed: Array<string> = []
  for (let i = 0; i < 40; i++) {
    yield* does(() => page.keyboard.press("Tab"))
    const here = yield* focused(page)
    if (here === words) return
    passed.push(here)
  }
  assert.fail(`Tab does not reach "${words}"; it reaches ${passed.join(" | ")}`)
})

const Nodes = Schema.Struct({
  nodes: Schema.Array(
    Schema.Struct({
      ignored: Schema.Boolean,
      role: Schema.optionalKey(Schema.Struct({ value: Schema.Unknown })),
      name: Schema.optionalKey(Schema.Struct({ value: Schema.Unknown })),
    }),
  ),
})

const decodeNodes = Schema.decodeUnknownSync(Nodes)

/** What a screen reader gets: role and name of everything. */
const spoken = Effect.fnUntraced(function* (page: Page) {
  const session = yield* does(() => page.context().newCDPSession(page))
  const { nodes } = decodeNodes(yield* does<unknown>(() => session.send("Accessibility.getFullAXTree")))
  yield* does(() => session.detach())
  return nodes
    .filter(({ ignored }) => !ignored)
    .map(({ name, role }) => ({ role: String(role?.value), name: String(name?.value ?? "").trim() }))
})

/** Widths of the document and of the box around the topology. */
const widths = (page: Page) =>
  look(
    page,
    `(() => {
      const box = document.getElementById("matrix-box")
      return {
        page: document.documentElement.scrollWidth,
        window: innerWidth,
        inside: box.scrollWidth,
        box: box.clientWidth,
      }
    })()`,
    Schema.Struct({ page: Schema.Number, window: Schema.Number, inside: Schema.Number, box: Schema.Number }),
  )

layer(Browser.layer, { excludeTestServices: true })("the page", (it) => {
  describe("is for everybody", () => {
    it.effect(
      "with the keyboard alone: skip to the routes, fail and heal a host, confirm deletions or leave them",
      () =>
        Effect.gen(function* () {
          const { page, url } = yield* watching()
          const press = (key: string) => does(() => page.keyboard.press(key))
          yield* press("Tab")
          assert.strictEqual(yield* focused(page), "Skip to the routes")
          yield* press("Enter")
          assert.strictEqual(yield* look(page, "document.activeElement.id", Schema.String), "routes")
          yield* tabTo(page, "Fail 10.33.20.93")
          yield* press("Enter")
          yield* does(() => log(page).getByText("Host 10.33.20.93 failed").waitFor())
          // The same button, which still has the focus, now does the opposite.
          assert.strictEqual(yield* focused(page), "Heal 10.33.20.93")
          yield* press("Space")
          yield* does(() => log(page).getByText("Host 10.33.20.93 is healthy again").waitFor())
          assert.strictEqual(yield* focused(page), "Fail 10.33.20.93")

          yield* postSpec(url, {})
          const ask = button(page, "Review and confirm…")
          yield* does(() => ask.waitFor())
          yield* does(() => page.keyboard.press("Control+Home"))
          yield* look(page, "document.activeElement.blur()", Schema.Unknown)
          yield* tabTo(page, "Review and confirm…")
          yield* press("Enter")
          assert.strictEqual(yield* focused(page), "Leave them")
          yield* press("Escape")
          assert.isTrue(yield* does(() => page.getByRole("dialog").isHidden()))
          assert.strictEqual(yield* focused(page), "Review and confirm…")
          yield* press("Enter")
          yield* tabTo(page, "Delete 11 routes")
          yield* press("Enter")
          yield* does(() => log(page).getByText("No deletions are held any more").waitFor())
        }),
    )

    it.effect(
      "with a screen reader: landmarks, headings, a table with row and column heads, and a name for everything",
      () =>
        Effect.gen(function* () {
          const { page } = yield* watching()
          const snapshot = yield* does(() => page.locator("body").ariaSnapshot())
          for (const part of [
            "- banner:",
            "- main:",
            "- contentinfo:",
            '- heading "vpc-router" [level=1]',
            '- heading "Routes" [level=2]',
            '- heading "Hosts" [level=2]',
            "- status: Live",
            '- log "As it happens"',
            '- region "Routes":',
            '- table "The host that carries each destination CIDR, by route table":',
            '- rowheader "172.20.0.0/16"',
            '- cell "pcx-0172 not ours, never touched"',
            '- button "Fail 10.33.20.93"',
          ])
            assert.include(snapshot, part)
          for (const id of tables) assert.include(snapshot, `- columnheader "${id}`)
          assert.match(snapshot, /- cell "10\.33\.\d+\.\d+ healthy"/)

          const all = yield* spoken(page)
          const needNames = new Set([
            "button",
            "checkbox",
            "link",
            "table",
            "region",
            "heading",
            "log",
            "dialog",
            "columnheader",
          ])
          assert.deepStrictEqual(
            all.filter(({ name, role }) => needNames.has(role) && name === ""),
            [],
          )
          // Two buttons of one name cannot be told apart.
          const buttons = all.filter(({ role }) => role === "button").map(({ name }) => name)
          assert.strictEqual(new Set(buttons).size, buttons.length, buttons.join(", "))
          assert.isAtLeast(buttons.length, 4)
          assert.strictEqual(yield* look(page, "document.documentElement.lang", Schema.String), "en")
          assert.strictEqual(
            yield* look(
              page,
              `document.getElementById("activity").getAttribute("aria-live") ?? "polite"`,
              Schema.String,
            ),
            "polite",
          )
        }),
    )

    it.effect(
      "on a phone and at night: the topology scrolls in its box, the page does not, and every text can be read",
      () =>
        Effect.gen(function* () {
          const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
          const { complaints, page, url } = yield* watching(
            { ...phone, colorScheme: "dark" },
            {
              ...spec,
              "2600:1f18:33:aaaa:bbbb:cccc:dddd:0/112": ["2600:1f18:33:3320::93"],
            },
          )
          const readable = Effect.fnUntraced(function* (what: string) {
            for (const colorScheme of ["light", "dark"] as const) {
              yield* does(() => page.emulateMedia({ colorScheme, reducedMotion: "reduce" }))
              const light = yield* look(page, lightness, Schema.Number)
              if (colorScheme === "dark") assert.isBelow(light, 0.15)
              else assert.isAbove(light, 0.9)
              assert.deepStrictEqual(yield* look(page, faintTexts(4.5), Faint), [], `${what}, ${colorScheme}`)
            }
            const { box, inside, page: width, window } = yield* widths(page)
            assert.deepStrictEqual([width, window], [360, 360], what)
            assert.isAtMost(box, 360)
            assert.isAbove(inside, box)
          })
          yield* readable("all is well")
          yield* does(() => page.getByLabel("Show what is not ours").check())
          yield* does(() => page.locator("#matrix-others").getByText("igw-033").waitFor())
          yield* does(() => button(page, "Fail 10.33.20.93").click())
          yield* does(() => log(page).getByText("Host 10.33.20.93 failed").waitFor())
          yield* untilCells(page, (words) => words.some((text) => text.includes("failed host")))
          yield* ask(url, { method: "POST", path: "/drain/10.33.40.11" })
          yield* does(() => page.getByText("drained", { exact: true }).waitFor())
          yield* readable("a host failed, another is drained")
          yield* postSpec(url, { "10.1.0.0/16": ["10.33.20.93"] })
          yield* does(() => button(page, "Review and confirm…").click())
          yield* readable("deletions are held")
          assert.deepStrictEqual(complaints, [])
        }),
    )

    it.effect("what changed is lit up for a moment, but not for those who asked for less motion", () =>
      Effect.gen(function* () {
        const { page } = yield* watching()
        // They are over in a moment, so they are counted as they begin.
        yield* look(
          page,
          `void (window.lit = 0, document.addEventListener("animationstart", () => window.lit++))`,
          Schema.Unknown,
        )
        const lit = look(page, `window.lit`, Schema.Number)
        const fail = Effect.fnUntraced(function* (host: string) {
          yield* does(() => button(page, `Fail ${host}`).click())
          yield* does(() => log(page).getByText(`Host ${host} failed`).waitFor())
          yield* untilCells(page, (words) => !words.some((text) => text.includes(`${host} healthy`)))
        })
        yield* fail("10.33.30.22")
        yield* Effect.repeat(Effect.andThen(Effect.sleep(20), lit), { until: (count) => count > 0 })
        yield* does(() => page.emulateMedia({ reducedMotion: "reduce" }))
        const frames = look(
          page,
          `new Promise((end) => setTimeout(() => requestAnimationFrame(end), 200))`,
          Schema.Unknown,
        )
        yield* frames
        const before = yield* lit
        yield* fail("10.33.20.93")
        yield* frames
        assert.strictEqual(yield* lit, before)
      }),
    )
  })
})
