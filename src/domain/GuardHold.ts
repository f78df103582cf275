import { compareText } from "./Action.ts"
import type { Guards } from "./Guards.ts"
import type { Millis } from "./Health.ts"
import { afterCutOffWords, HoldReason, holdWords } from "./Hold.ts"
import type { Ip } from "./Ip.ts"
import { massEndsAt } from "./MassFailure.ts"
import { stableHex } from "./StableHash.ts"
import type { World } from "./World.ts"

/** Something that is held as one, and that the operator can let go by its hash. */
export interface GuardHold {
  readonly kind: "DeletionBrake" | "MonitorCutOff" | "AfterCutOff" | "MassFailure" | "FailoverLimit"
  readonly hash: string
  readonly words: string
  /** Since when, where the world knows it. */
  readonly since: Millis | undefined
  /** When it ends, or one of its hosts is let go, by itself; undefined: when it is confirmed, or its reason is gone. */
  readonly until: Millis | undefined
  /** The hosts whose failures wait, sorted. */
  readonly hosts: ReadonlyArray<Ip>
  /** It is no matter of a few lost packets any more. */
  readonly isCertain: boolean
}

const sorted = (hosts: Iterable<Ip>): ReadonlyArray<Ip> => [...hosts].sort(compareText)

/** The failed hosts that a cut, or the time after it, holds. */
const withheldBy = ({ withheld }: Guards, kind: "MonitorCutOff" | "AfterCutOff"): ReadonlyArray<Ip> =>
  sorted([...withheld].flatMap(([host, { reason }]) => (reason._tag === kind ? [host] : [])))

/** Failures from a time in which nobody was heard, while their hosts have a moment to answer. */
const afterCutOff = (guards: Guards): ReadonlyArray<GuardHold> => {
  const { failing, settling } = guards
  const hosts = withheldBy(guards, "AfterCutOff")
  if (settling === undefined || hosts.length === 0) return []
  const hash = stableHex(`after cut off ${hosts.map((host) => `${host} ${failing.get(host)?.since}`).join(" ")}`)
  const words = afterCutOffWords(hosts, hash)
  const { heardAt: since, until } = settling
  return [{ kind: "AfterCutOff", hash, words, since, until, hosts, isCertain: true }]
}

/** What the guards hold at present. */
export const guardHoldsOf = ({ brake, guards }: World): ReadonlyArray<GuardHold> => {
  const { cutOff, mass, velocity } = guards
  const holds: Array<GuardHold> = []
  if (brake !== undefined) {
    const { cause, hash } = brake
    const words = holdWords(HoldReason.DeletionBrake({ hash, cause }))
    holds.push({ kind: "DeletionBrake", hash, words, since: undefined, until: undefined, hosts: [], isCertain: true })
  }
  if (cutOff !== undefined) {
    const { anchors, hash, isCertain, since } = cutOff
    const hosts = withheldBy(guards, "MonitorCutOff")
    const words = holdWords(HoldReason.MonitorCutOff({ hash, anchors }))
    holds.push({ kind: "MonitorCutOff", hash, words, since, until: undefined, hosts, isCertain })
  }
  holds.push(...afterCutOff(guards))
  if (mass !== undefined) {
    const { failed, hash, isCertain, of, since } = mass
    const words = holdWords(HoldReason.MassFailure({ hash, failed, of }))
    holds.push({
      kind: "MassFailure",
      hash,
      words,
      since,
      until: massEndsAt(mass),
      hosts: sorted(mass.hosts.keys()),
      isCertain,
    })
  }
  if (velocity.waiting.size > 0) {
    const { hash, limit = 0, until, waiting } = velocity
    const hosts = sorted(waiting.keys())
    const since = Math.min(...[...waiting.values()].map((one) => one.since))
    const words = holdWords(HoldReason.FailoverLimit({ hash, hosts, limit }))
    holds.push({ kind: "FailoverLimit", hash, words, since, until, hosts, isCertain: true })
  }
  return holds
}
