import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { allowed, modulePolicy, readmePolicy } from "./Policies.ts"

const module = (name: string) => readFileSync(new URL(`../../../deploy/terraform/${name}`, import.meta.url), "utf8")

describe("the policy of the terraform module", () => {
  it("allows what the README's allows, and nothing else", () => {
    assert.deepStrictEqual(allowed(modulePolicy()), allowed(readmePolicy()))
    assert.isAbove(allowed(modulePolicy()).length, 5)
  })

  it("allows writes in one VPC only, and nothing outside of one region", () => {
    for (const { Action, Condition, Resource } of modulePolicy().Statement) {
      if (Action.every((action) => action.startsWith("ec2:Describe")))
        assert.deepStrictEqual(Condition, { StringEquals: { "aws:RequestedRegion": "${region}" } })
      else {
        assert.strictEqual(Resource, "arn:${partition}:ec2:${region}:${account}:route-table/*")
        const vpc = "arn:${partition}:ec2:${region}:${account}:vpc/${vpc}"
        assert.deepStrictEqual(Condition, { ArnEquals: { "ec2:Vpc": vpc } })
      }
    }
  })

  it("has every placeholder filled in by the module", () => {
    const wanted = [...module("policy.json").matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name)
    const [, filled = ""] = /templatefile\([^{]*\{([^}]*)\}/.exec(module("main.tf").replaceAll("${", "$")) ?? []
    const given = [...filled.matchAll(/^\s*(\w+)\s*=/gm)].map(([, name]) => name)
    assert.deepStrictEqual([...new Set(wanted)].toSorted(), given.toSorted())
  })
})
