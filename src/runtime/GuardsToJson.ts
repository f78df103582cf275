import { type Anchor, anchorState } from "../domain/Anchors.ts"
import type { GuardHold } from "../domain/GuardHold.ts"
import type { AnchorJson, GuardHoldJson } from "../services/http/StatusJson.ts"
import { type Conditions, guardKey, sinceOf } from "./ConditionLog.ts"
import { isoTime, isoTimeOrNull } from "../services/IsoTime.ts"

/** The kinds of what is held as one, by the names that status and metrics give them. */
export const guardNames = {
  DeletionBrake: "deletion_brake",
  MonitorCutOff: "monitor_cut_off",
  AfterCutOff: "after_cut_off",
  MassFailure: "mass_failure",
  FailoverLimit: "failover_limit",
} as const satisfies Readonly<Record<GuardHold["kind"], GuardHoldJson["kind"]>>

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

export const anchorJson = (anchor: Anchor): AnchorJson => {
  const { counts, source, verdict } = anchor
  const silentSince = verdict._tag === "Healthy" || verdict._tag === "Failed" ? verdict.silentSince : undefined
  const since = isoTime(silentSince ?? verdict.since)
  return { ip: anchor.anchor, source, state: anchorState(anchor), since, counts }
}
