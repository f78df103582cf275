import { readFileSync } from "node:fs"
import { Schema } from "effect"

/** An IAM policy, as far as we write any. */
export const Policy = Schema.Struct({
  Version: Schema.Literal("2012-10-17"),
  Statement: Schema.Array(
    Schema.Struct({
      Sid: Schema.optionalKey(Schema.String),
      Effect: Schema.Literal("Allow"),
      Action: Schema.Array(Schema.String),
      Resource: Schema.String,
      Condition: Schema.optionalKey(Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.String))),
    }),
  ),
})
export type Policy = typeof Policy.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Policy))
const text = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")

/** The policy that the terraform module fills in. */
export const modulePolicy = (): Policy => decode(text("deploy/terraform/policy.json"))

/** The policy that the README shows. */
export const readmePolicy = (): Policy => decode(/```json\n(\{\s*"Version"[^`]*)```/.exec(text("README.md"))?.[1] ?? "")

/** What a policy allows, in order: the action, and whether on all resources or some. */
export const allowed = ({ Statement }: Policy): ReadonlyArray<string> =>
  Statement.flatMap(({ Action, Resource }) =>
    Action.map((action) => `${action} on ${Resource === "*" ? "all" : Resource.replace(/^.*:/, "")}`),
  ).toSorted()
