import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "../..")

/** A file with one statement, and the rule that it breaks, if any. */
interface Case {
  readonly file: string
  readonly text: string
  readonly breaks?: "house(may-touch)" | "house(no-double-cast)"
}

const cases: ReadonlyArray<Case> = [
  { file: "src/domain/Neighbour.ts", text: `export { x } from "./Other.ts"` },
  { file: "src/domain/PureEffect.ts", text: `import { Data, Option } from "effect"` },
  { file: "src/domain/PureModule.ts", text: `import * as Option from "effect/Option"` },
  { file: "src/domain/Addresses.ts", text: `import { IpNetwork } from "effect/net"` },
  { file: "src/domain/Effects.ts", text: `import { Data, Effect } from "effect"`, breaks: "house(may-touch)" },
  { file: "src/domain/EffectType.ts", text: `import type { Effect } from "effect"`, breaks: "house(may-touch)" },
  { file: "src/domain/EffectModule.ts", text: `import * as Clock from "effect/Clock"`, breaks: "house(may-touch)" },
  { file: "src/domain/AllOfEffect.ts", text: `import * as All from "effect"`, breaks: "house(may-touch)" },
  { file: "src/domain/Renamed.ts", text: `import { Random as Option } from "effect"`, breaks: "house(may-touch)" },
  { file: "src/domain/Input.ts", text: `import { readFileSync } from "node:fs"`, breaks: "house(may-touch)" },
  { file: "src/domain/Library.ts", text: `import { x } from "@aws-sdk/client-ec2"`, breaks: "house(may-touch)" },
  { file: "src/domain/Outwards.ts", text: `import { x } from "../services/Now.ts"`, breaks: "house(may-touch)" },
  { file: "src/domain/Handed.ts", text: `export { x } from "../services/Now.ts"`, breaks: "house(may-touch)" },
  { file: "src/domain/HandedAll.ts", text: `export * from "../services/Now.ts"`, breaks: "house(may-touch)" },
  { file: "src/domain/Late.ts", text: `export const x = import("../services/Now.ts")`, breaks: "house(may-touch)" },
  {
    file: "src/domain/InType.ts",
    text: `export type X = import("../services/ec2/Ec2.ts").Ec2`,
    breaks: "house(may-touch)",
  },
  { file: "src/services/ec2/Inwards.ts", text: `import { x } from "../../domain/Cidr.ts"` },
  { file: "src/services/ec2/Own.ts", text: `import { x } from "./Inwards.ts"` },
  { file: "src/services/ec2/Shared.ts", text: `import { x } from "../Now.ts"` },
  { file: "src/services/ec2/Port.ts", text: `import { x } from "../health/HealthSource.ts"` },
  { file: "src/services/ec2/Libraries.ts", text: `import { x } from "@aws-sdk/client-ec2"` },
  {
    file: "src/services/ec2/Foreign.ts",
    text: `import { x } from "../health/Prober.ts"`,
    breaks: "house(may-touch)",
  },
  {
    file: "src/services/http/Outwards.ts",
    text: `import { x } from "../../runtime/Reconciler.ts"`,
    breaks: "house(may-touch)",
  },
  { file: "src/services/Now.ts", text: `import { x } from "./ec2/Own.ts"`, breaks: "house(may-touch)" },
  { file: "src/runtime/Inwards.ts", text: `import { x } from "../services/ec2/Own.ts"` },
  { file: "src/runtime/Entry.ts", text: `import { x } from "../main.ts"`, breaks: "house(may-touch)" },
  { file: "src/index.ts", text: `export { x } from "./services/Now.ts"`, breaks: "house(may-touch)" },
  { file: "src/plugin.ts", text: `export { x } from "./services/ec2/AwsEc2.ts"`, breaks: "house(may-touch)" },
  { file: "src/main.ts", text: `import { x } from "../test/support/x.ts"`, breaks: "house(may-touch)" },
  { file: "src/runtime/Cast.ts", text: `export const x = 1 as number` },
  {
    file: "src/runtime/DoubleCast.ts",
    text: `export const x = 1 as unknown as string`,
    breaks: "house(no-double-cast)",
  },
]

/** What only tsc can see, because it takes types. */
const typed = `import { Effect } from "effect"
export const lost = () => {
  Effect.log("nobody runs this")
}
export const clock = () => Date.now()
export const date = () => new Date(0)
export const chance = () => Math.random()
export const timer = () => setTimeout(() => {}, 1)
`

/** A tree with this project's rules and other files. */
const treeOf = (files: Iterable<readonly [name: string, text: string]>): string => {
  const tree = mkdtempSync(join(tmpdir(), "vpc-router-rules-"))
  for (const name of [".oxlintrc.json", "package.json", "tsconfig.json", "scripts"]) {
    cpSync(join(root, name), join(tree, name), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"))
  for (const [name, text] of files) {
    mkdirSync(dirname(join(tree, name)), { recursive: true })
    writeFileSync(join(tree, name), `${text}\n`)
  }
  return tree
}

const run = (tree: string, command: string, ...args: ReadonlyArray<string>) =>
  spawnSync(join(root, "node_modules/.bin", command), args, { cwd: tree, encoding: "utf8" })

describe("npm run check", () => {
  const trees: Array<string> = []
  const broken = new Map<string, ReadonlyArray<string>>()

  beforeAll(() => {
    const tree = treeOf(cases.map(({ file, text }) => [file, text]))
    trees.push(tree)
    const { stdout, stderr } = run(tree, "oxlint", "--format=json", "src")
    assert.isTrue(stdout.startsWith("{"), `oxlint wrote no report: ${stdout}${stderr}`)
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: Array<{ filename: string; code: string }> }
    for (const { filename, code } of diagnostics.filter(({ code }) => code.startsWith("house"))) {
      broken.set(filename, [...(broken.get(filename) ?? []), code])
    }
  })

  afterAll(() => {
    for (const tree of trees) rmSync(tree, { recursive: true, force: true })
  })

  for (const { file, text, breaks } of cases) {
    it(`${breaks === undefined ? "accepts" : "refuses"} in ${file}: ${text}`, () => {
      assert.deepStrictEqual(broken.get(file) ?? [], breaks === undefined ? [] : [breaks])
    })
  }

  it("refuses an Effect that nobody runs, and time and chance that no test can own", () => {
    const tree = treeOf([["src/Lost.ts", typed]])
    trees.push(tree)
    const { stdout, status } = run(tree, "tsc", "--noEmit", "--pretty", "false")
    const faults = stdout.matchAll(/^src\/Lost\.ts\((\d+),.* effect\((\w+)\)$/gm)
    assert.deepStrictEqual(
      Array.from(faults, ([, line, rule]) => `${line} ${rule}`),
      ["3 floatingEffect", "5 globalDate", "6 globalDate", "7 globalRandom", "8 globalTimers"],
    )
    assert.notStrictEqual(status, 0)
  })
})
