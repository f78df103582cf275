import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { awsEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { runProcess } from "../../support/daemon/RunningProcess.ts"
import { allowed, modulePolicy, Policy } from "./Policies.ts"

const moduleFolder = fileURLToPath(new URL("../../../deploy/terraform/", import.meta.url))

const terraform = (process.env["PATH"] ?? "")
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

const Outputs = Schema.fromJsonString(
  Schema.Struct({
    policy: Schema.Struct({ value: Schema.fromJsonString(Policy) }),
    role_arn: Schema.Struct({ value: Schema.String }),
    instance_profile: Schema.Struct({ value: Schema.String }),
  }),
)

const root = `
module "vpc_router" {
  source = "./module"
  vpc_id = "vpc-350d6a51"
}

output "policy" {
  value = module.vpc_router.policy
}

output "role_arn" {
  value = module.vpc_router.role_arn
}

output "instance_profile" {
  value = module.vpc_router.instance_profile
}
`

const applied = Effect.fnUntraced(function* (terraform: string, mirror: string) {
  const { endpoint } = yield* Moto
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vpc-router-terraform-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
  )
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
  yield* run("init", "-input=false", "-no-color", `-plugin-dir=${mirror}`)
  yield* run("validate", "-no-color")
  yield* run("apply", "-auto-approve", "-input=false", "-no-color")
  const outputs = yield* Schema.decodeEffect(Outputs)(yield* run("output", "-json"))
  assert.strictEqual(outputs.role_arn.value, "arn:aws:iam::123456789012:role/vpc-router")
  assert.strictEqual(outputs.instance_profile.value, "vpc-router")
  assert.deepStrictEqual(allowed(outputs.policy.value), allowed(modulePolicy()))
  const writes = outputs.policy.value.Statement.find(({ Resource }) => Resource !== "*")
  assert.strictEqual(writes?.Resource, "arn:aws:ec2:us-east-1:123456789012:route-table/*")
  assert.deepStrictEqual(writes?.Condition, {
    ArnEquals: { "ec2:Vpc": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-350d6a51" },
  })
  // What IAM has now is what the module says: there is nothing left to do.
  yield* run("plan", "-detailed-exitcode", "-input=false", "-no-color")
})

describe("the terraform module", () => {
  // Neither is in Debian or in npm, so this is for machines that have both.
  it.live("is applied to an emulated IAM, where there are terraform and its AWS provider; a second plan is empty", () =>
    terraform === undefined || mirror === undefined
      ? Effect.logWarning("not applied: terraform or its AWS provider is not on this machine")
      : Effect.provide(Effect.scoped(applied(terraform, mirror)), Moto.layer),
  )
})
