import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { allowed, modulePolicy, Policy } from "./Policies.ts"
import { applied } from "./Terraform.ts"

const Outputs = Schema.fromJsonString(
  Schema.Struct({
    policy: Schema.Struct({ value: Schema.fromJsonString(Policy) }),
    role_arn: Schema.Struct({ value: Schema.String }),
    instance_profile: Schema.Struct({ value: Schema.String }),
  }),
)
const decode = Schema.decodeSync(Outputs)

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

describe("the terraform module", () => {
  it.live("is applied to an emulated IAM, where there are terraform and its AWS provider; a second plan is empty", () =>
    applied(root, (text) =>
      Effect.sync(() => {
        const outputs = decode(text)
        assert.strictEqual(outputs.role_arn.value, "arn:aws:iam::123456789012:role/vpc-router")
        assert.strictEqual(outputs.instance_profile.value, "vpc-router")
        assert.deepStrictEqual(allowed(outputs.policy.value), allowed(modulePolicy()))
        const writes = outputs.policy.value.Statement.find(({ Resource }) => Resource !== "*")
        assert.strictEqual(writes?.Resource, "arn:aws:ec2:us-east-1:123456789012:route-table/*")
        assert.deepStrictEqual(writes?.Condition, {
          ArnEquals: { "ec2:Vpc": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-350d6a51" },
        })
      }),
    ),
  )
})
