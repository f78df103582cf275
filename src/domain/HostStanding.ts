import { Data } from "effect"
import { Reason } from "./Action.ts"
import type { Withheld } from "./Guards.ts"
import type { Verdict } from "./Health.ts"
import { holdWords } from "./Hold.ts"
import type { InterfaceId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import type { InstanceState } from "./Vpc.ts"
import { instanceStateOf, isForeignInterface, type VpcIndex } from "./VpcIndex.ts"

/** What a host may do with routes. */
export type HostStanding = Data.TaggedEnum<{
  /**
   * May gain routes and keeps those it has. `lastResort`: SourceDestCheck is on, so it is chosen last. `damped`: it failed again
   * soon after it had recovered, so it is chosen after those that did not.
   */
  Able: { readonly host: Ip; readonly interfaceId: InterfaceId; readonly lastResort: boolean; readonly damped: boolean }
  /** Neither gains nor loses. `interfaceId` is the last one it was seen at, if any. */
  Keeping: {
    readonly host: Ip
    readonly interfaceId: InterfaceId | undefined
    readonly why: string
    /** Not in the reading; but a single reading may be stale. */
    readonly absent: boolean
    /** A guard holds its failure. */
    readonly withheld?: Withheld | undefined
  }
  /** Loses its routes as soon as another host is able. */
  Losing: { readonly host: Ip; readonly interfaceId: InterfaceId | undefined; readonly reason: Reason }
}>
export type Able = Extract<HostStanding, { readonly _tag: "Able" }>
export type Keeping = Extract<HostStanding, { readonly _tag: "Keeping" }>
export const HostStanding = Data.taggedEnum<HostStanding>()

/** What readings have shown of a host's address so far. */
export interface Sighting {
  /** The interface that owned the address last. */
  readonly interfaceId: InterfaceId | undefined
  /** Missing from two readings that began at least 10 s apart, with none between that had it. */
  readonly gone: boolean
}

/** Everything that bears on one host's standing. */
export interface HostFacts {
  readonly host: Ip
  readonly verdict: Verdict | undefined
  readonly drained: boolean
  readonly sighting: Sighting | undefined
  /** EC2 said that it does not know the host's interface; believed until the next readings settle it. */
  readonly refusedByEc2: boolean
  /** What holds its failure. */
  readonly withheld?: Withheld | undefined
  /** It relapsed and has not been healthy for long enough. */
  readonly damped?: boolean
}

const lostStates: ReadonlySet<InstanceState> = new Set<InstanceState>([
  "stopping",
  "stopped",
  "shutting-down",
  "terminated",
])

const silence = (verdict: Verdict | undefined): string =>
  verdict?._tag === "Unwatched" ? `nothing watches it (${verdict.why})` : "it does not answer"

const absentStanding = ({ host, verdict, sighting }: HostFacts): HostStanding =>
  sighting?.gone === true && verdict?._tag !== "Healthy"
    ? HostStanding.Losing({
        host,
        interfaceId: sighting.interfaceId,
        reason: Reason.HostFailed({ host, why: `no interface of the VPC owns its address, and ${silence(verdict)}` }),
      })
    : HostStanding.Keeping({
        host,
        interfaceId: sighting?.interfaceId,
        why: "no interface of the VPC owns its address",
        absent: sighting?.gone !== true,
      })

/**
 * A host's standing. A failure that no guard holds counts before anything EC2 shows; an instance that is stopped or terminated counts as
 * failed; a host that is missing from the VPC gains nothing, and loses its routes only when it is silent and gone.
 */
export const standingOf = (facts: HostFacts, index: VpcIndex): HostStanding => {
  const { host, verdict, withheld } = facts
  const present = index.interfaceOf.get(host)
  const interfaceId = present ?? facts.sighting?.interfaceId
  if (verdict?._tag === "Failed" && withheld === undefined)
    return HostStanding.Losing({ host, interfaceId, reason: Reason.HostFailed({ host, why: verdict.reason }) })
  const networkInterface = present === undefined ? undefined : index.vpc.interfaces.get(present)
  const instanceState = networkInterface === undefined ? undefined : instanceStateOf(index.vpc, networkInterface)
  if (instanceState !== undefined && lostStates.has(instanceState))
    return HostStanding.Losing({
      host,
      interfaceId,
      reason: Reason.HostFailed({ host, why: `its instance is ${instanceState}` }),
    })
  if (facts.drained) return HostStanding.Losing({ host, interfaceId, reason: Reason.HostDrained({ host }) })
  if (verdict?._tag === "Failed" && withheld !== undefined)
    return HostStanding.Keeping({
      host,
      interfaceId,
      why: holdWords(withheld.reason),
      absent: networkInterface === undefined && facts.sighting?.gone !== true,
      withheld,
    })
  if (networkInterface === undefined) return absentStanding(facts)
  const keeping = (why: string): HostStanding => HostStanding.Keeping({ host, interfaceId, why, absent: false })
  if (isForeignInterface(index.vpc, networkInterface))
    return keeping("its interface belongs to a service or another account")
  if (networkInterface.instanceId === undefined) return keeping("its interface is not attached to an instance")
  if (facts.refusedByEc2) return keeping("EC2 refused its interface a moment ago")
  if (verdict?._tag === "Unwatched") return keeping(`unwatched: ${verdict.why}`)
  if (verdict?._tag !== "Healthy") return keeping("has not answered yet")
  if (verdict.silentSince !== undefined) return keeping("does not answer at present")
  return HostStanding.Able({
    host,
    interfaceId: networkInterface.id,
    lastResort: networkInterface.sourceDestCheck,
    damped: facts.damped === true,
  })
}

/** Why the host cannot take a route, in words. */
export const whyNot = (standing: Exclude<HostStanding, { readonly _tag: "Able" }>): string =>
  standing._tag === "Keeping"
    ? standing.why
    : standing.reason._tag === "HostFailed"
      ? standing.reason.why
      : "is drained"
