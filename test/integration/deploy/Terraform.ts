import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { runProcess } from "../../support/daemon/RunningProcess.ts"
import { awsEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const moduleFolder = fileURLToPath(new URL("../../../deploy/terraform/", import.meta.url))

const program = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "terraform"))
  .find((file) => existsSync(file))

/** A folder that holds the AWS provider, laid out as terraform's mirrors are: it is not asked for from a registry. */
const mirror = [
  process.env["TF_PLUGIN_CACHE_DIR"] ?? "",
  join(homedir(), ".terraform.d/plugins"),
  "/usr/local/share/terraform/plugins",
  "/usr/share/terraform/plugins",
  ...readdirSync("/opt").map((name) => join("/opt", name)),
].find((folder) => existsSync(join(folder, "registry.terraform.io/hashicorp/aws")))

/**
 * Applies a root that uses the module in `./module`, to an AWS that moto emulates; `use` gets its outputs as JSON. Then what
 * AWS has must be what the root says. Neither terraform nor its provider is in Debian or in npm, so this is for machines
 * that have both; on others it says so and does nothing.
 */
export const applied = (root: string, use: (outputs: string) => Effect.Effect<void, never, Moto>) =>
  program === undefined || mirror === undefined
    ? Effect.logWarning("not applied: terraform or its AWS provider is not on this machine")
    : Effect.provide(Effect.scoped(apply(program, mirror, root, use)), Moto.layer)

const apply = Effect.fnUntraced(function* (
  terraform: string,
  plugins: string,
  root: string,
  use: (outputs: string) => Effect.Effect<void, never, Moto>,
) {
  const { endpoint } = yield* Moto
  const folder = yield* temporaryFolder
  cpSync(moduleFolder, join(folder, "module"), { recursive: true })
  writeFileSync(join(folder, "main.tf"), root)
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    ...awsEnvironment(endpoint),
  }
  const run = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const process = yield* runProcess(terraform, [`-chdir=${folder}`, ...args], env)
    const { code } = yield* process.exit
    assert.strictEqual(code, 0, `terraform ${args.join(" ")}: ${process.output()}${process.errors()}`)
    return process.output()
  })
  yield* run("fmt", "-check", "-recursive")
  yield* run("init", "-input=false", "-no-color", `-plugin-dir=${plugins}`)
  yield* run("validate", "-no-color")
  yield* run("apply", "-auto-approve", "-input=false", "-no-color")
  yield* use(yield* run("output", "-json"))
  // What AWS has now is what the module says: there is nothing left to do.
  yield* run("plan", "-detailed-exitcode", "-input=false", "-no-color")
})
