import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { insufficientData } from "../../src/domain/AlarmVerdict.ts"
import { optionNames } from "../../src/runtime/OptionTable.ts"
import { Policy } from "../integration/deploy/Policies.ts"

const root = join(import.meta.dirname, "../..")
const read = (file: string) => readFileSync(join(root, file), "utf8")
const decode = Schema.decodeSync(Schema.fromJsonString(Policy))

const text = read("docs/cloudwatch.md")
const terraform = read("deploy/terraform/alarms/main.tf")
const modulePolicy = decode(read("deploy/terraform/alarms/policy.json"))
const documentPolicy = decode(/```json\n(\{\s*"Version"[^`]*)```/.exec(text)?.[1] ?? "")

const all = (given: string, pattern: RegExp): ReadonlyArray<string> =>
  [...new Set([...given.matchAll(pattern)].map((match) => match[1] ?? ""))].toSorted()

describe("docs/cloudwatch.md", () => {
  it("asks IAM for exactly the actions that are used, as the terraform module does", () => {
    const sources = globSync("src/services/health/cloudwatch/Aws*.ts", { cwd: root }).map(read).join("\n")
    const used = all(sources, /action: "([\w:]+)"/g)
    assert.deepStrictEqual(used, ["cloudwatch:DescribeAlarms", "sqs:DeleteMessage", "sqs:ReceiveMessage"])
    for (const { Statement } of [modulePolicy, documentPolicy]) {
      assert.deepStrictEqual(Statement.flatMap(({ Action }) => Action).toSorted(), used)
      // Alarms know no resources; a queue is one.
      for (const { Action, Resource } of Statement)
        assert.strictEqual(Resource === "*", Action.includes("cloudwatch:DescribeAlarms"))
    }
  })

  it("has every placeholder of the module's policy filled in by the module", () => {
    const wanted = all(read("deploy/terraform/alarms/policy.json"), /\$\{(\w+)\}/g)
    const [, filled = ""] = /templatefile\([^{]*\{([^}]*)\}/.exec(terraform.replaceAll("${", "$")) ?? []
    assert.deepStrictEqual(all(filled, /^\s*(\w+)\s*=/gm), wanted)
  })

  it("makes the same alarms by the AWS CLI as by terraform", () => {
    const settings = (given: string, written: (name: string) => RegExp) =>
      Object.fromEntries(
        [
          "namespace",
          "metric_name",
          "statistic",
          "comparison_operator",
          "threshold",
          "period",
          "evaluation_periods",
          "treat_missing_data",
        ].map((name) => [name, written(name).exec(given)?.[1]]),
      )
    const byTerraform = settings(terraform, (name) => new RegExp(`^  ${name} +=\\s"?([^"\n]+)`, "m"))
    const byCommand = settings(text, (name) => new RegExp(`--${name.replaceAll("_", "-")} (\\S+)`))
    assert.deepStrictEqual(byCommand, byTerraform)
    assert.notInclude(Object.values(byCommand), undefined)
  })

  it("names no option that is not there, and all that belong to alarms", () => {
    const named = all(text.replaceAll(/```sh[\s\S]*?```/g, ""), /--([a-z][a-z0-9-]+)/g)
    const known = new Set<string>(optionNames)
    assert.deepStrictEqual(
      named.filter((name) => !known.has(name)),
      [],
    )
    const ours = optionNames.filter((name) => name.startsWith("alarm") || name === "insufficient-data")
    for (const name of ours) assert.include(named, name)
    assert.lengthOf(ours, 6)
    for (const word of insufficientData)
      assert.include(text, `\`${word}\``.replace("`keep`", "--insufficient-data keep`"))
  })
})
