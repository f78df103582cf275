import type { RouteTableId } from "../../domain/Ids.ts"

/** The EC2 calls that vpc-router makes. */
export const operations = [
  "DescribeVpcs",
  "DescribeRouteTables",
  "DescribeNetworkInterfaces",
  "DescribeInstances",
  "DescribeInstanceStatus",
  "CreateRoute",
  "ReplaceRoute",
  "DeleteRoute",
] as const
export type Operation = (typeof operations)[number]

/** The calls that change a route. */
export type WriteOperation = Extract<Operation, `${string}Route`>

/** Makes calls of the simulated EC2 fail. */
export interface FaultRule {
  readonly operation: Operation | "any"
  /** Only writes into this table. */
  readonly table?: RouteTableId | undefined
  /** EC2's error code; `TimeoutError` stands for an answer that never comes. */
  readonly code: string
  readonly message?: string | undefined
  /** How many calls fail; `Infinity` for all. */
  readonly times: number
  /** The write is done all the same; only its answer is the error. */
  readonly committed?: boolean | undefined
}

/** The rule that applies to a call, and the rules that are left after it. The first that matches applies. */
export const applyFaults = (
  rules: ReadonlyArray<FaultRule>,
  operation: Operation,
  table: RouteTableId | undefined,
): readonly [FaultRule | undefined, ReadonlyArray<FaultRule>] => {
  const at = rules.findIndex(
    (rule) =>
      rule.times > 0 &&
      (rule.operation === "any" || rule.operation === operation) &&
      (rule.table === undefined || rule.table === table),
  )
  const found = rules[at]
  if (found === undefined) return [undefined, rules]
  const left = found.times > 1 ? [{ ...found, times: found.times - 1 }] : []
  return [found, [...rules.slice(0, at), ...left, ...rules.slice(at + 1)]]
}

/** IAM denies every write into this table. */
export const denyTable = (table: RouteTableId): FaultRule => ({
  operation: "any",
  table,
  code: "UnauthorizedOperation",
  message: `You are not authorized to perform this operation on ${table}.`,
  times: Number.POSITIVE_INFINITY,
})

/** EC2's HTTP status of an error code; `undefined` where no answer comes. */
export const httpStatusOf = (code: string): number | undefined => {
  switch (code) {
    case "TimeoutError":
      return undefined
    case "RequestLimitExceeded":
    case "Unavailable":
    case "ServiceUnavailable":
      return 503
    case "InternalError":
      return 500
    case "UnauthorizedOperation":
      return 403
    case "AuthFailure":
      return 401
    default:
      return 400
  }
}
