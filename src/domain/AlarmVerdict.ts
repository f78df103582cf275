import { Data } from "effect"
import type { KnownAlarm } from "./AlarmBook.ts"
import type { AlarmState } from "./AlarmState.ts"

/** What an alarm without data means: `--insufficient-data`. */
export const insufficientData = ["keep", "failed", "healthy"] as const
export type InsufficientData = (typeof insufficientData)[number]

/** What its alarms say of a host. */
export type AlarmVerdict = Data.TaggedEnum<{
  Failed: { readonly reason: string }
  Healthy: {}
  Unknown: {}
}>
export const AlarmVerdict = Data.taggedEnum<AlarmVerdict>()

/** How much of an alarm's name, and of its reason, is told; and how many alarms of one host are. */
const longestName = 80
const longestReason = 160
const mostTold = 3

const short = (text: string, longest: number): string => {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ").trim()
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line
}

const told = ({ name }: KnownAlarm, { reason, value }: AlarmState): string => {
  const words =
    value === "ALARM" ? `alarm ${short(name, longestName)}` : `alarm ${short(name, longestName)} has no data`
  return reason.trim() === "" ? words : `${words}: ${short(reason, longestReason)}`
}

/** The state that counts at present; undefined: none does. */
const counting = ({ memory }: KnownAlarm, policy: InsufficientData): AlarmState | undefined =>
  memory.latest.value === "INSUFFICIENT_DATA" && policy === "keep" ? memory.conclusive : memory.latest

const isFailed = ({ value }: AlarmState, policy: InsufficientData): boolean =>
  value === "ALARM" || (value === "INSUFFICIENT_DATA" && policy === "failed")

/**
 * The verdict on a host from the alarms that cover it, in their order:
 *
 * | its alarms | verdict |
 * |---|---|
 * | at least one: ALARM | failed, with the reasons of those |
 * | at least one: OK, and none: ALARM | healthy |
 * | none has said anything yet | unknown |
 *
 * INSUFFICIENT_DATA counts as the policy has it: as what the alarm said last (`keep`; nothing, if it never said anything), as
 * ALARM (`failed`), or as OK (`healthy`). Whether an alarm's actions are enabled does not matter.
 */
export const alarmVerdict = (alarms: ReadonlyArray<KnownAlarm>, policy: InsufficientData): AlarmVerdict => {
  const failures: Array<string> = []
  let isProven = false
  for (const alarm of alarms) {
    const state = counting(alarm, policy)
    if (state === undefined) continue
    if (isFailed(state, policy)) failures.push(told(alarm, state))
    else isProven = true
  }
  if (failures.length > 0) {
    const more = failures.length - mostTold
    const shown = failures.slice(0, mostTold)
    return AlarmVerdict.Failed({ reason: [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; ") })
  }
  return isProven ? AlarmVerdict.Healthy() : AlarmVerdict.Unknown()
}
