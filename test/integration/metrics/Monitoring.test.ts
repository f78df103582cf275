import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { type Exposition, nameOf, readExposition } from "../../support/metrics/Exposition.ts"
import { get, type NotSeen, start } from "../cli/Running.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const textOf = (file: string): string => readFileSync(join(root, file), "utf8")
const rules = "deploy/monitoring/prometheus-rules.yml"
const ruleTests = "deploy/monitoring/prometheus-rules.test.yml"
const dashboard = "deploy/monitoring/grafana-dashboard.json"
const manual = "docs/operations.md"

/** Runs Prometheus' own tool; gives what it printed. */
const promtool = (args: ReadonlyArray<string>, input = ""): string => {
  const { error, status, stderr, stdout } = spawnSync("promtool", args, { input, encoding: "utf8" })
  if (error !== undefined) throw new Error("promtool is missing: install Debian's package prometheus")
  assert.strictEqual(status, 0, `promtool ${args.join(" ")}: ${stdout}${stderr}`)
  return stdout + stderr
}

/** What a daemon shows that runs with these options. */
const scrapedWith = Effect.fnUntraced(function* (
  options: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
): Effect.fn.Return<{ readonly text: string; readonly type: string }, NotSeen, Scope.Scope> {
  const { url } = yield* start(["--mode", "http", "--port", "0", ...options], { environment })
  const answer = yield* get(`${yield* url}/metrics`)
  return { text: yield* Effect.promise(() => answer.text()), type: answer.headers.get("content-type") ?? "" }
})

/** With every option that adds metrics to those of a simulated VPC. */
const scraped = Effect.flatMap(temporaryFolder, (folder) =>
  scrapedWith(["--simulate", "--health", "simulated,ec2", "--audit-log", join(folder, "audit.log")]),
)

const nobody = "http://127.0.0.1:9"

/** Where alarms say how hosts are; nobody serves the AWS that it asks. */
const scrapedWithAlarms = scrapedWith(
  [
    "--vpc",
    "vpc-350d6a51",
    "--region",
    "us-east-1",
    "--health",
    "cloudwatch",
    "--alarm-queue-url",
    `${nobody}/1/alarms`,
  ],
  { AWS_ENDPOINT_URL: nobody, AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" },
)

/** Every metric that a text names; those of histograms by their series. */
const named = (text: string): ReadonlySet<string> => new Set(text.match(/\b(?:vpc_router|process)_[a-z_]+[a-z]/g))

/** Names that are no metric: the families and the series of histograms are. */
const unknownOf = (names: Iterable<string>, { families, values }: Exposition): ReadonlyArray<string> => {
  const known = new Set([...families.keys(), ...[...values.keys()].map(nameOf)])
  return [...names].filter((name) => !known.has(name))
}

/** Every PromQL expression of the dashboard, with Grafana's variables filled in. */
const expressions = (): ReadonlyArray<string> => {
  const found: Array<string> = []
  JSON.parse(textOf(dashboard), (key, value) => {
    if (key === "expr") found.push(String(value))
    return value
  })
  return found.map((expr) => expr.replaceAll("$__rate_interval", "1m").replaceAll(/\$(job|instance)/g, ".*"))
}

const alerts = [...textOf(rules).matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name)

describe("monitoring", () => {
  it.live("the metrics of a running daemon are what Prometheus takes and its linter finds no fault with", () =>
    Effect.gen(function* () {
      const { text, type } = yield* scraped
      assert.strictEqual(type, "text/plain; version=0.0.4; charset=utf-8")
      assert.strictEqual(promtool(["check", "metrics"], text), "")
      readExposition(text)
    }),
  )

  it.live(
    "every metric that an alert, the dashboard or the manual names is there, and the manual names every metric",
    () =>
      Effect.gen(function* () {
        const both = [yield* scraped, yield* scrapedWithAlarms].map(({ text }) => readExposition(text))
        const shown = {
          families: new Map(both.flatMap(({ families }) => [...families])),
          values: new Map(both.flatMap(({ values }) => [...values])),
        }
        assert.isAbove(shown.families.size, 40)
        for (const file of [rules, dashboard, manual])
          assert.deepStrictEqual(unknownOf(named(textOf(file)), shown), [], file)
        const described = named(textOf(manual))
        assert.deepStrictEqual(
          [...shown.families.keys()].filter((name) => !described.has(name)),
          [],
        )
      }),
  )

  it.live("labels that alerts and the dashboard ask for are there, too", () =>
    Effect.gen(function* () {
      const { values } = readExposition((yield* scraped).text)
      const asked = [...expressions(), ...textOf(rules).split("\n")].flatMap((text) =>
        [...text.matchAll(/(vpc_router_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name = "", labels = ""]) =>
          [...labels.matchAll(/(\w+)="([^"$]*)"/g)].map(([, label = "", value = ""]) => ({ name, label, value })),
        ),
      )
      assert.isAbove(asked.length, 10)
      for (const { label, name, value } of asked)
        assert.isTrue(
          [...values.keys()].some((series) => nameOf(series) === name && series.includes(`${label}="${value}"`)),
          `${name}{${label}="${value}"}`,
        )
    }),
  )

  it("the alert rules are valid, and do what their unit tests say", () => {
    assert.match(promtool(["check", "rules", join(root, rules)]), /SUCCESS: \d+ rules found/)
    assert.include(promtool(["test", "rules", join(root, ruleTests)]), "SUCCESS")
  })

  it("every alert has a unit test in which it fires, and a line in the manual that says what to do", () => {
    assert.isAbove(alerts.length, 15)
    const lines = textOf(manual).split("\n")
    for (const name of alerts) {
      assert.include(textOf(ruleTests), `alertname="${name}"`)
      assert.include(textOf(rules), `runbook: ${manual}#${name.toLowerCase()}\n`)
      const line = lines.find((one) => one.includes(`<a id="${name.toLowerCase()}"></a>\`${name}\``))
      assert.match(line ?? "", /\| .{20,} \|$/, name)
    }
    const inManual = [...textOf(manual).matchAll(/<\/a>`(VpcRouter\w+)`/g)].map(([, name]) => name)
    assert.deepStrictEqual(inManual, alerts)
  })

  it("every expression of the dashboard is valid", () => {
    const folder = mkdtempSync(join(tmpdir(), "dashboard-"))
    const file = join(folder, "rules.yml")
    const records = expressions().map(
      (expr, n) => `      - record: panel:${n}\n        expr: ${JSON.stringify(expr)}\n`,
    )
    assert.isAbove(records.length, 30)
    writeFileSync(file, `groups:\n  - name: dashboard\n    rules:\n${records.join("")}`)
    assert.include(promtool(["check", "rules", file]), `${records.length} rules found`)
    rmSync(folder, { recursive: true })
  })

  it("the panels of the dashboard have ids of their own and do not overlap", () => {
    const {
      panels,
    }: { panels: ReadonlyArray<{ id: number; gridPos: { x: number; y: number; w: number; h: number } }> } = JSON.parse(
      textOf(dashboard),
    )
    assert.strictEqual(new Set(panels.map(({ id }) => id)).size, panels.length)
    const taken = new Set<string>()
    for (const { gridPos, id } of panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.isBelow(x, 24)
          assert.isFalse(taken.has(`${x} ${y}`), `panel ${id} at ${x} ${y}`)
          taken.add(`${x} ${y}`)
        }
  })
})
