import { Data, Effect } from "effect"
import { dispositionOf } from "../../../domain/WriteFailure.ts"
import type { Thrown } from "../../AwsThrown.ts"
import { shortened } from "../../PluginSession.ts"

/**
 * Why alarms, or events of theirs, could not be had. `denied` does not pass by itself; the rest may with the next call.
 * `internal` is a fault of our own.
 */
export class AlarmFailure extends Data.TaggedError("AlarmFailure")<{
  readonly kind: "denied" | "throttled" | "refused" | "unreachable" | "internal"
  /** In words, with the right that is needed where one is lacking. */
  readonly why: string
}> {
  override get message(): string {
    return this.why
  }
}

/** Whether what was known until now must not stand any longer, even if this is the first failure. */
export const isGrave = ({ kind }: AlarmFailure): boolean => kind === "denied" || kind === "internal"

/** A fault of our own is a failure like others: it must not end what goes on for ever. */
export const withOwnFaults = <A, R>(work: Effect.Effect<A, AlarmFailure, R>): Effect.Effect<A, AlarmFailure, R> =>
  Effect.catchDefect(work, (defect) =>
    Effect.fail(new AlarmFailure({ kind: "internal", why: `internal error: ${shortened(String(defect))}` })),
  )

/** A call, as IAM calls it and as people call its service. */
export interface AlarmCall {
  /** Such as `cloudwatch:DescribeAlarms`. */
  readonly action: string
  /** Such as `CloudWatch`. */
  readonly service: string
}

/** SQS's own codes, beside those that all services share. */
const throttledCodes: ReadonlySet<string> = new Set(["RequestThrottled", "KmsThrottled", "OverLimit"])
/** A queue that is somebody else's is not told from one that is not there. */
const deniedCodes: ReadonlySet<string> = new Set(["KmsAccessDenied"])

const kindOf = ({ code, httpStatus, message }: Thrown): Exclude<AlarmFailure["kind"], "internal"> => {
  if (throttledCodes.has(code)) return "throttled"
  if (deniedCodes.has(code)) return "denied"
  switch (dispositionOf(code, httpStatus, message)) {
    case "throttled":
      return "throttled"
    case "denied":
      return "denied"
    case "transient":
      return "unreachable"
    default:
      return "refused"
  }
}

/** Nothing was sent: the SDK found no credentials. */
const withoutCredentials: ReadonlySet<string> = new Set(["CredentialsProviderError", "TokenProviderError"])

/** The failure of a call, for what the SDK threw. */
export const alarmFailure = ({ action, service }: AlarmCall, thrown: Thrown): AlarmFailure => {
  const kind = kindOf(thrown)
  // The SDK adds hints for programmers on lines of their own.
  const told = shortened(`${thrown.code}: ${thrown.message.split("\n", 1)[0]}`)
  switch (kind) {
    case "denied":
      return new AlarmFailure({
        kind,
        why: withoutCredentials.has(thrown.code) ? told : `${action} is not allowed: ${told}`,
      })
    case "throttled":
      return new AlarmFailure({ kind, why: `${service} throttles ${action}: ${told}` })
    case "refused":
      return new AlarmFailure({ kind, why: `${service} refuses ${action}: ${told}` })
    case "unreachable":
      return new AlarmFailure({ kind, why: `${service} cannot be reached: ${told}` })
  }
}
