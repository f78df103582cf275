import { assert, describe, layer } from "@effect/vitest"
import { Effect, PubSub, Schema } from "effect"
import type { Page } from "playwright-core"
import type { OverviewHostJson, OverviewJson } from "../../../src/services/http/OverviewJson.ts"
import { Browser, does, look, open } from "../../support/page/Browser.ts"
import { type Script, someOverview, withServer } from "../http/Scripted.ts"
import { cells, log } from "./Watching.ts"

const at = "2026-03-01T12:00:05.000Z"

const host = (ip: string, more: Partial<OverviewHostJson> = {}): OverviewHostJson => ({
  ip,
  verdict: "healthy",
  since: at,
  reason: null,
  able: true,
  why: null,
  notes: [],
  drained: false,
  damped_until: null,
  interface: "eni-1",
  instance: "i-1",
  source_dest_check: false,
  answers: true,
  ...more,
})

const overview = (more: Partial<OverviewJson>): OverviewJson => ({ ...someOverview, ...more })

/** Opens the page on a scripted control plane that shows this. */
const showing = <A, E, R>(
  shown: OverviewJson,
  use: (page: Page, script: Script, complaints: ReadonlyArray<string>) => Effect.Effect<A, E, R>,
) =>
  withServer(
    (url, script) =>
      Effect.gen(function* () {
        const { complaints, page } = yield* open(url)
        yield* does(() => page.locator("#connection").getByText("Live", { exact: true }).waitFor())
        yield* use(page, script, complaints)
      }).pipe(Effect.scoped),
    { change: (script) => (script.overview = Effect.succeed(shown)) },
  )

const change = (script: Script, shown: OverviewJson) =>
  Effect.suspend(() => {
    script.overview = Effect.succeed(shown)
    return PubSub.publish(script.changes, undefined)
  })

/** The events as a server would send them that this browser may not write to. */
const told = (version: string, shown: OverviewJson) =>
  [
    `event: hello\nretry: 100\ndata: ${JSON.stringify({ version, may_write: false })}`,
    `event: overview\ndata: ${JSON.stringify({ now: at, overview: shown })}`,
    "",
  ].join("\n\n")

const brake = {
  hash: "00c0ffee00c0ffee",
  why: "the spec is empty",
  shown: ["delete 10.1.0.0/16 in rtb-1 (eni-1): the CIDR is not in the spec"],
  left_out: 59,
}

layer(Browser.layer, { excludeTestServices: true })("the page", (it) => {
  describe("says what state the daemon is in", () => {
    it.effect("every mark, with what it means and where a write that waits leads", () =>
      showing(
        overview({
          tables: {
            shown: [
              { id: "rtb-1", main: true, name: "main" },
              { id: "rtb-2", main: false, name: null },
            ],
            left_out: 3,
          },
          rows: {
            shown: [
              {
                cidr: "10.100.0.0/16",
                hosts: { shown: ["10.0.0.1"], left_out: 0 },
                cells: [
                  ["healthy", "10.0.0.1", "eni-1", null],
                  ["missing", null, null, "10.0.0.1"],
                ],
              },
              {
                cidr: "10.9.0.0/16",
                hosts: { shown: ["10.0.0.2"], left_out: 0 },
                cells: [
                  ["failed", "10.0.0.2", "eni-2", "10.0.0.1"],
                  ["drained", "10.0.0.3", "eni-3", null],
                ],
              },
              {
                cidr: "fd00::/64",
                hosts: { shown: ["10.0.0.4"], left_out: 0 },
                cells: [
                  ["unproven", "10.0.0.4", "eni-4", null],
                  ["stray", "10.9.9.9", "eni-9", null],
                ],
              },
              {
                cidr: "10.99.0.0/16",
                hosts: null,
                cells: [
                  ["unlisted", "10.0.0.1", "eni-1", "delete"],
                  ["blackhole", null, "eni-5", null],
                ],
              },
            ],
            left_out: 7,
          },
        }),
        (page) =>
          Effect.gen(function* () {
            // By number, not by letter.
            assert.deepStrictEqual(Object.entries(yield* cells(page)), [
              ["10.9.0.0/16", ["✕10.0.0.2 failed host", "‖10.0.0.3 drained host"]],
              ["10.99.0.0/16", ["∗10.0.0.1 not in the spec", "⊘eni-5 blackhole"]],
              ["10.100.0.0/16", ["✓10.0.0.1 healthy", "–none no route"]],
              ["fd00::/64", ["?10.0.0.4 not proven healthy", "≠10.9.9.9 leads to none of the spec's hosts"]],
            ])
            assert.deepStrictEqual(yield* does(() => page.locator(".next").allTextContents()), [
              " moving → 10.0.0.1",
              "",
              " moving → deletion",
              "",
              "",
              " moving → 10.0.0.1",
              "",
              "",
            ])
            yield* does(() =>
              page.getByText("… and 7 more destinations, 3 more tables; /status has them all").waitFor(),
            )
            const legend = yield* does(() =>
              page.getByRole("list", { name: "What the marks mean" }).getByRole("listitem").count(),
            )
            assert.strictEqual(legend, 8)
          }),
      ),
    )

    it.effect("restored, dry run, sources that fail, conditions; and in the log when each begins and ends", () =>
      showing(overview({}), (page, script) =>
        Effect.gen(function* () {
          const sources: OverviewJson["sources"] = {
            config: {
              name: "configfile",
              since: at,
              why: "the spec was not accepted",
              state: "rejected",
              problems: [{ path: "$", message: "expected an object" }],
            },
            health: {
              name: "icmpecho",
              since: at,
              why: "the socket is gone",
              state: "down",
              policy: null,
              checks: [],
            },
          }
          const conditions = [{ words: "EC2 cannot be read: UnauthorizedOperation: no", since: at }]
          yield* change(script, overview({ restored: true, dry_run: true, sources, conditions }))
          const notices = page.locator(".notice-words")
          yield* does(() => notices.getByText("Dry run").waitFor())
          assert.deepStrictEqual(
            (yield* does(() => notices.allTextContents())).map((text) => text.slice(0, 40)),
            [
              "EC2 cannot be read: UnauthorizedOperatio",
              "No word on health: the socket is gone",
              "The spec is rejected: the spec was not a",
              "The spec in force comes from before a re",
              "Dry run: what is shown as waiting would ",
            ],
          )
          yield* does(() => notices.getByText("$: expected an object").waitFor())
          yield* does(() => log(page).getByText("No word on health").waitFor())
          yield* change(script, overview({}))
          yield* does(() => log(page).getByText("Over: EC2 cannot be read").waitFor())
          assert.strictEqual(yield* does(() => notices.count()), 0)
        }),
      ),
    )

    it.effect(
      "an unwatched host with its reason, what is noted of hosts, and each check with its state and bound",
      () => {
        const bounds = { false_failovers_a_day: null, held_up: null }
        const health: OverviewJson["sources"]["health"] = {
          name: "cloudwatch,tcp",
          since: at,
          why: null,
          state: "up",
          policy: "any-fails",
          checks: [
            { name: "cloudwatch", state: "down", since: at, why: "AccessDenied: no", bound_ms: null, ...bounds },
            { name: "tcp", state: "up", since: at, why: null, bound_ms: 1450, ...bounds },
          ],
        }
        const unwatched = host("10.0.0.1", {
          verdict: "unwatched",
          able: false,
          reason: "no alarm covers it",
          why: "unwatched: no alarm covers it",
        })
        const noted = host("10.0.0.2", { notes: ["EC2 schedules instance-stop of i-1"] })
        return showing(
          overview({
            hosts: { shown: [unwatched, noted], left_out: 0 },
            sources: { ...someOverview.sources, health },
          }),
          (page, script) =>
            Effect.gen(function* () {
              const card = (ip: string) => page.locator(".host-card").filter({ hasText: ip })
              assert.match(
                (yield* does(() => card("10.0.0.1").locator(".state").textContent())) ?? "",
                /^unwatched .*: no alarm covers it$/,
              )
              assert.strictEqual(yield* does(() => card("10.0.0.1").getAttribute("data-kind")), "warn")
              yield* does(() => card("10.0.0.2").getByText("EC2 schedules instance-stop of i-1").waitFor())
              assert.strictEqual(yield* does(() => card("10.0.0.2").getAttribute("data-kind")), "good")
              const facts = yield* does(() => page.locator("#sources > div").allTextContents())
              assert.includeMembers(facts, [
                "A host fails byany-fails",
                "Check cloudwatchdown: AccessDenied: no",
                "Check tcpup, finds a dead host within 1450 ms",
              ])
              const other = host("10.0.0.2", { verdict: "unwatched", reason: "its alarm was deleted" })
              yield* change(script, overview({ hosts: { shown: [unwatched, other], left_out: 0 } }))
              yield* does(() => log(page).getByText("Host 10.0.0.2 is unwatched: its alarm was deleted").waitFor())
            }),
        )
      },
    )

    it.effect("a condition that goes on with other figures in it is told once, and once when it is over", () => {
      const heldUp = (times: number) =>
        overview({ conditions: [{ words: `the check was held up ${times} times`, since: at }] })
      return showing(overview({}), (page, script) =>
        Effect.gen(function* () {
          yield* change(script, heldUp(1))
          yield* does(() => log(page).getByText("held up 1 times").waitFor())
          yield* change(script, heldUp(12))
          yield* does(() => page.locator(".notice-words").getByText("held up 12 times").waitFor())
          yield* change(script, overview({}))
          yield* does(() => log(page).getByText("Over: the check was held up 12 times").waitFor())
          assert.strictEqual(yield* does(() => log(page).getByRole("listitem").count()), 2)
        }),
      )
    })

    it.effect("many failures at once are one line in the log", () =>
      showing(
        overview({ hosts: { shown: Array.from({ length: 40 }, (_, i) => host(`10.0.0.${i}`)), left_out: 0 } }),
        (page, script) =>
          Effect.gen(function* () {
            const failed = Array.from({ length: 40 }, (_, i) =>
              host(`10.0.0.${i}`, { verdict: "failed", reason: "no reply" }),
            )
            yield* change(script, overview({ hosts: { shown: failed, left_out: 0 } }))
            yield* does(() => log(page).getByText("40 hosts failed").waitFor())
            assert.strictEqual(yield* does(() => log(page).getByRole("listitem").count()), 1)
          }),
      ),
    )

    it.effect("who leaves held deletions and then thinks better of it at once is heard", () =>
      showing(overview({ brake }), (page, script) =>
        Effect.gen(function* () {
          const ask = page.getByRole("button", { name: "Review and confirm…" })
          yield* does(() => ask.waitFor())
          // Browsers tell of a dialog that closed a frame later: here it is open again by then.
          yield* look(
            page,
            `(() => {
              const dialog = document.querySelector("dialog")
              const review = document.getElementById("brake-ask")
              review.click()
              const told = new Promise((end) => dialog.addEventListener("close", end))
              dialog.close()
              review.click()
              return told.then(() => undefined)
            })()`,
            Schema.Unknown,
          )
          const dialog = page.getByRole("dialog", { name: "Delete these routes?" })
          assert.isTrue(yield* does(() => dialog.isVisible()))
          yield* does(() => dialog.getByRole("button", { name: "Delete 60 routes" }).click())
          yield* does(() => dialog.waitFor({ state: "hidden" }))
          assert.deepStrictEqual(script.confirmed, [brake.hash])
        }),
      ),
    )

    it.effect("names that look like markup are text", () => {
      const evil = `<img src=x onerror="document.title='got in'"><script>document.title='got in'</script>`
      return showing(
        overview({
          vpc: evil,
          tables: { shown: [{ id: evil, main: false, name: evil }], left_out: 0 },
          rows: {
            shown: [{ cidr: evil, hosts: { shown: [evil], left_out: 0 }, cells: [["failed", evil, evil, evil]] }],
            left_out: 0,
          },
          hosts: { shown: [host(evil, { verdict: "failed", reason: evil, why: evil, interface: evil })], left_out: 0 },
          held: {
            shown: [
              {
                cidr: evil,
                table: evil,
                reason: "conflict",
                words: evil,
                since: at,
                until: at,
                waiting: evil,
                hash: null,
              },
            ],
            left_out: 0,
          },
          conditions: [{ words: evil, since: at }],
          brake: { hash: "00c0ffee00c0ffee", why: evil, shown: [evil], left_out: 0 },
        }),
        (page, _, complaints) =>
          Effect.gen(function* () {
            yield* does(() => page.locator("#held").getByText("onerror").first().waitFor())
            assert.strictEqual(
              yield* look(page, `document.querySelectorAll("main img, main script").length`, Schema.Number),
              0,
            )
            assert.notStrictEqual(yield* does(() => page.title()), "got in")
            assert.deepStrictEqual(complaints, [])
          }),
      )
    })

    it.effect("from another machine it has no buttons to write with, and says how else", () =>
      withServer((url) =>
        Effect.gen(function* () {
          const shown = overview({ brake, hosts: { shown: [host("10.0.0.1")], left_out: 0 } })
          const { page } = yield* open(url, {}, (page) =>
            page.route("**/events", (route) =>
              route.fulfill({ contentType: "text/event-stream", body: told("1", shown) }),
            ),
          )
          yield* does(() => page.getByText("60 deletions are held, since the spec is empty").waitFor())
          yield* does(() => page.getByText(`/held/${brake.hash}/confirm`).waitFor())
          assert.strictEqual(yield* does(() => page.getByRole("button").count()), 0)
        }).pipe(Effect.scoped),
      ),
    )

    it.effect("when the daemon comes back in another version, the page is loaded anew", () =>
      withServer((url) =>
        Effect.gen(function* () {
          let asked = 0
          const { requests } = yield* open(url, {}, (page) =>
            page.route("**/events", (route) =>
              route.fulfill({ contentType: "text/event-stream", body: told(asked++ === 0 ? "1" : "2", overview({})) }),
            ),
          )
          const pages = () => requests.filter((request) => request === `${url}/`).length
          yield* Effect.repeat(Effect.sleep(20), { until: () => pages() === 2 })
          // Not again and again.
          yield* Effect.repeat(Effect.sleep(20), { until: () => asked >= 5 })
          assert.strictEqual(pages(), 2)
        }).pipe(Effect.scoped),
      ),
    )

    it.effect("its policy holds: nothing is loaded from elsewhere, and no text is run", () =>
      showing(overview({}), (page, _, complaints) =>
        Effect.gen(function* () {
          const tries = [
            `fetch("http://127.0.0.1:9/").then(() => "loaded", () => "refused")`,
            `new Promise((end) => { const image = new Image(); image.onload = () => end("loaded"); image.onerror = () => end("refused"); image.src = "http://127.0.0.1:9/x.png" })`,
            `(() => { try { document.body.innerHTML = "<b>x</b>"; return "loaded" } catch { return "refused" } })()`,
            `(() => { const script = document.createElement("script"); try { script.text = "window.ran = true"; document.body.append(script) } catch {}; return window.ran ? "loaded" : "refused" })()`,
          ]
          for (const attempt of tries) assert.strictEqual(yield* look(page, attempt, Schema.String), "refused", attempt)
          for (const word of ["connect-src", "img-src", "TrustedHTML", "TrustedScript"])
            assert.isTrue(
              complaints.some((complaint) => complaint.includes(word)),
              complaints.join(" | "),
            )
        }),
      ),
    )
  })
})
