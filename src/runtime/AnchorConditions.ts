import { listAnchors, withoutSay } from "../domain/Anchors.ts"
import type { Millis } from "../domain/Health.ts"
import type { World } from "../domain/World.ts"
import type { Condition } from "./ConditionLog.ts"

/** An anchor that is there answers the first probe. */
const patience: Millis = 10_000

/** Anchors that guard nothing: they do not answer, or die with a host. */
export const anchorConditions = ({ cidrsOf, guards: { anchors } }: World): ReadonlyArray<Condition> => {
  const shared = new Set(listAnchors(anchors).flatMap(({ anchor }) => (cidrsOf.has(anchor) ? [anchor] : [])))
  return [
    ...withoutSay(anchors).map((anchor) => ({
      key: `anchor ${anchor} silent`,
      words: `the anchor ${anchor} does not answer, and counts for nothing until it does`,
      patience,
      isHold: false,
    })),
    ...[...shared].map((anchor) => ({
      key: `anchor ${anchor} host`,
      words: `the anchor ${anchor} is a host of the spec: when that host fails it says that this monitor is cut off; an anchor carries no routes`,
      patience: 0,
      isHold: false,
    })),
  ]
}
