import type { Millis } from "./Health.ts"

/** When not to act: what the operator allows the guards. The reasons of the defaults are in docs/guards.md. */
export interface GuardPolicy {
  /** More than this share of the hosts that fail within {@link massWindow} is a mass failure; undefined: never. */
  readonly massFailure: number | undefined
  /** How many hosts are failed over in a minute; `auto`: what a loss of one zone takes; undefined: no limit. */
  readonly failoverLimit: number | "auto" | undefined
  /** How long a host that relapses must stay healthy before it is eligible, at first; undefined: no longer than others. */
  readonly damping: Millis | undefined
  /** How long hosts have to answer after this monitor was cut off, before those that do not have failed. */
  readonly settle: Millis
}

/** Within this time hosts fail together. */
export const massWindow: Millis = 10_000
/** Fewer hosts than these never fail together: of two, both can fail by chance. */
export const fewestHosts = 3
/** Over this time failovers are counted. */
export const velocityWindow: Millis = 60_000

/** Two good answers a second apart, as a failed host needs to rise, and as much again for a late one. */
export const defaultGuards: GuardPolicy = {
  massFailure: 2 / 3,
  failoverLimit: "auto",
  damping: 30_000,
  settle: 3_500,
}
