import type { Anchor } from "../domain/Anchors.ts"
import type { GuardHold } from "../domain/GuardHold.ts"
import type { AnchorJson, GuardHoldJson } from "../services/http/StatusJson.ts"
import { type Conditions, guardKey, sinceOf } from "./ConditionLog.ts"
import { isoTime, isoTimeOrNull } from "../services/IsoTime.ts"

/** The kinds of what is held as one, by the names that status and metrics give them. */
export const guardNames: Readonly<Record<GuardHold["kind"], GuardHoldJson["kind"]>> = {
  DeletionBrake: "deletion_brake",
  MonitorCutOff: "monitor_cut_off",
  MassFailure: "mass_failure",
  FailoverLimit: "failover_limit",
}

export const guardHoldJson =
  (conditions: Conditions) =>
  (hold: GuardHold): GuardHoldJson => ({
    kind: guardNames[hold.kind],
    hash: hold.hash,
    words: hold.words,
    since: isoTimeOrNull(hold.since ?? sinceOf(conditions, guardKey(hold))),
    until: isoTimeOrNull(hold.until),
    hosts: hold.hosts,
  })

export const anchorJson = ({ anchor, counts, source, verdict }: Anchor): AnchorJson => {
  const isKnown = verdict._tag === "Healthy" || verdict._tag === "Failed"
  const silentSince = isKnown ? verdict.silentSince : undefined
  const isSilent = verdict._tag === "Failed" || silentSince !== undefined
  return {
    ip: anchor,
    source,
    state: !isKnown ? "unknown" : isSilent ? "silent" : "answering",
    since: isoTime(silentSince ?? verdict.since),
    counts,
  }
}
