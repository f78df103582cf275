import { Action, Reason, type Urgency } from "./Action.ts"
import { type Cidr, containedInAny, isDefaultRoute } from "./Cidr.ts"
import type { Millis } from "./Health.ts"
import { type Held, HoldReason, type Unable } from "./Hold.ts"
import { type HostStanding, whyNot } from "./HostStanding.ts"
import type { InterfaceId, RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import { allowsDefaultRoutes, exclusion, type Policy } from "./Policy.ts"
import { score } from "./Rendezvous.ts"
import type { StandingRoute, VpcIndex } from "./VpcIndex.ts"
import type { CellContent } from "./WriteLog.ts"

/** Everything that one CIDR's plan depends on. */
export interface PlanView {
  readonly policy: Policy
  readonly index: VpcIndex
  /** The CIDR's hosts; empty: to be withdrawn; undefined: not in the spec. */
  readonly hosts: (range: Cidr) => ReadonlyArray<Ip> | undefined
  readonly standing: (host: Ip) => HostStanding
  /** The cells of one CIDR, by table. */
  readonly cells: (range: Cidr) => (table: RouteTableId) => CellContent
  /** An accepted spec named the CIDR at some time. */
  readonly wasNamed: (range: Cidr) => boolean
  /** Until when a host that has not answered yet is waited for before routes are created without it. */
  readonly firstAnswerUntil: (host: Ip) => Millis | undefined
}

/** What should be done about one CIDR, over all tables in scope. */
export interface CidrPlan {
  /** The host that carries the CIDR, or is to. */
  readonly host: Ip | undefined
  readonly actions: ReadonlyArray<Action>
  readonly held: ReadonlyArray<Held>
}

type Able = Extract<HostStanding, { readonly _tag: "Able" }>
type NotAble = Exclude<HostStanding, Able>

const isAble = (standing: HostStanding): standing is Able => standing._tag === "Able"

/** Better first: SourceDestCheck off before on, then rendezvous score, then address. */
const compareRank = (range: Cidr) => (a: Able, b: Able) =>
  Number(a.lastResort) - Number(b.lastResort) ||
  score(range, b.host) - score(range, a.host) ||
  (a.host < b.host ? -1 : 1)

/** The able host that most tables name; ties by rank. */
const currentHost = (range: Cidr, able: ReadonlyArray<Able>, cells: ReadonlyArray<CellContent>): Able | undefined => {
  const votes = new Map<InterfaceId, number>()
  for (const { believed } of cells)
    if (believed?.owned === true && believed.interfaceId !== undefined)
      votes.set(believed.interfaceId, (votes.get(believed.interfaceId) ?? 0) + 1)
  const votesOf = (host: Able): number => votes.get(host.interfaceId) ?? 0
  const rank = compareRank(range)
  return able.filter((host) => votesOf(host) > 0).sort((a, b) => votesOf(b) - votesOf(a) || rank(a, b))[0]
}

/** The host of this CIDR that a route leads to, where it is not an able one. */
const namedHost = (route: StandingRoute, others: ReadonlyArray<NotAble>): NotAble | undefined =>
  others.find(({ interfaceId }) => interfaceId !== undefined && interfaceId === route.interfaceId) ??
  // An active route to an interface that the reading lacks may well lead to a host that the reading lacks, too.
  (!route.interfaceSeen && !route.blackhole
    ? others.find((host) => host._tag === "Keeping" && host.absent && host.interfaceId === undefined)
    : undefined)

const withoutHost = (range: Cidr, others: ReadonlyArray<NotAble>): Held => {
  const hosts: ReadonlyArray<Unable> = others.map((standing) => ({ host: standing.host, why: whyNot(standing) }))
  const someFailed = others.some(({ _tag }) => _tag === "Losing")
  return { cidr: range, reason: someFailed ? HoldReason.NoHealthyHost({ hosts }) : HoldReason.HealthUnknown({ hosts }) }
}

interface Placement {
  readonly range: Cidr
  readonly chosen: Able
  /** Some table's route already leads to `chosen`. */
  readonly isCurrent: boolean
  readonly others: ReadonlyArray<NotAble>
  readonly all: ReadonlyArray<HostStanding>
}

/** What keeps the missing routes of a CIDR from being created, and until when. */
interface CreationHold {
  readonly reason: HoldReason
  readonly until?: Millis
}

/** Why a cell with an owned route to elsewhere is rewritten; or the hold that keeps it. */
const whyReplace = (
  { range, chosen, others, all }: Placement,
  table: RouteTableId,
  { present, believed }: CellContent,
  route: StandingRoute,
): { readonly urgency: Extract<Urgency, "failover" | "repair">; readonly reason: Reason } | Held => {
  const named = namedHost(route, others)
  if (named?._tag === "Losing")
    return { urgency: named.reason._tag === "HostFailed" ? "failover" : "repair", reason: named.reason }
  if (route.blackhole) return { urgency: "failover", reason: Reason.Blackhole() }
  if (believed?.interfaceId === chosen.interfaceId && present !== believed)
    return { urgency: "repair", reason: Reason.ChangedBack() }
  if (named !== undefined)
    return { cidr: range, table, reason: HoldReason.Unproven({ host: named.host, why: named.why }) }
  const isAnotherHosts = all.some((host) => isAble(host) && host.interfaceId === route.interfaceId)
  return { urgency: "repair", reason: isAnotherHosts ? Reason.TablesDisagree() : Reason.WrongTarget() }
}

/** Decides one cell of a CIDR that has an able host. Undefined: it is as it should be. */
const placeCell = (
  placement: Placement,
  table: RouteTableId,
  cell: CellContent,
  creation: CreationHold | undefined,
): Action | Held | undefined => {
  const { range, chosen } = placement
  const route = cell.present
  if (route === undefined)
    return creation !== undefined
      ? { cidr: range, table, ...creation }
      : Action.CreateRoute({
          table,
          cidr: range,
          host: chosen.host,
          interfaceId: chosen.interfaceId,
          reason: cell.believed === undefined ? Reason.Missing() : Reason.ChangedBack(),
          urgency: "creation",
        })
  if (!route.owned) return { cidr: range, table, reason: HoldReason.Conflict({ target: route.target }) }
  if (route.interfaceId === chosen.interfaceId)
    return route.blackhole ? { cidr: range, table, reason: HoldReason.Blackhole({ host: chosen.host }) } : undefined
  const why = whyReplace(placement, table, cell, route)
  if ("cidr" in why) return why
  return Action.ReplaceRoute({
    table,
    cidr: range,
    host: chosen.host,
    interfaceId: chosen.interfaceId,
    before: route.target,
    reason: why.reason,
    urgency: why.urgency,
  })
}

/** What keeps missing routes of this CIDR from being created, if anything does. */
const whyNotCreate = (
  view: PlanView,
  { range, chosen, isCurrent, others }: Placement,
  cells: ReadonlyArray<CellContent>,
): CreationHold | undefined => {
  if (isDefaultRoute(range) && !allowsDefaultRoutes(view.policy)) return { reason: HoldReason.DefaultRoute() }
  if (isCurrent) return undefined
  for (const { present } of cells) {
    const named = present?.owned === true && !present.blackhole ? namedHost(present, others) : undefined
    if (named?._tag === "Keeping") return { reason: HoldReason.Unproven({ host: named.host, why: named.why }) }
  }
  for (const { host } of others) {
    const until = view.firstAnswerUntil(host)
    if (until !== undefined && score(range, host) > score(range, chosen.host))
      return { reason: HoldReason.FirstAnswer({ host }), until }
  }
  return undefined
}

const placed = (view: PlanView, range: Cidr, hosts: ReadonlyArray<Ip>): CidrPlan => {
  const cellOf = view.cells(range)
  const cells = view.index.tables.map(cellOf)
  const all = hosts.map(view.standing)
  const able = all.filter(isAble)
  const others = all.filter((standing): standing is NotAble => !isAble(standing))
  const current = currentHost(range, able, cells)
  const chosen = current ?? [...able].sort(compareRank(range))[0]
  const actions: Array<Action> = []
  const held: Array<Held> = []
  if (chosen === undefined) {
    held.push(withoutHost(range, others))
    cells.forEach(({ present }, i) => {
      const table = view.index.tables[i]
      if (table !== undefined && present !== undefined && !present.owned)
        held.push({ cidr: range, table, reason: HoldReason.Conflict({ target: present.target }) })
    })
    return { host: undefined, actions, held }
  }
  const placement: Placement = { range, chosen, isCurrent: current !== undefined, others, all }
  const creation = whyNotCreate(view, placement, cells)
  cells.forEach((cell, i) => {
    const table = view.index.tables[i]
    if (table === undefined) return
    const outcome = placeCell(placement, table, cell, creation)
    if (outcome === undefined) return
    if ("_tag" in outcome) actions.push(outcome)
    else held.push(outcome)
  })
  return { host: chosen.host, actions, held }
}

/** What keeps an owned route that the spec does not ask for from being deleted, if anything does. */
const whyNotDelete = (view: PlanView, range: Cidr, route: StandingRoute): HoldReason | undefined => {
  if (!route.interfaceSeen && !route.blackhole) return HoldReason.InterfaceUnseen({ target: route.target })
  if (view.wasNamed(range) || containedInAny(view.policy.own, range)) return undefined
  if (isDefaultRoute(range)) return HoldReason.Protected({ what: "default route" })
  return containedInAny(view.index.vpc.cidrs, range) ? HoldReason.Protected({ what: "inside the VPC" }) : undefined
}

const removed = (view: PlanView, range: Cidr, reason: Reason): CidrPlan => {
  const cellOf = view.cells(range)
  const actions: Array<Action> = []
  const held: Array<Held> = []
  for (const table of view.index.tables) {
    const route = cellOf(table).present
    if (route === undefined || !route.owned) continue
    const hold = whyNotDelete(view, range, route)
    if (hold !== undefined) held.push({ cidr: range, table, reason: hold })
    else actions.push(Action.DeleteRoute({ table, cidr: range, before: route.target, reason, urgency: "deletion" }))
  }
  return { host: undefined, actions, held }
}

/**
 * Decides one destination CIDR over all tables in scope. Pure and total.
 *
 * The *chosen* host is the able host (healthy, in the VPC, not drained) that most tables name; if no table names one,
 * the one with the highest rank. Then, cell by cell:
 *
 * | the spec lists | the cell holds                              | chosen host   | outcome                              |
 * | -------------- | ------------------------------------------- | ------------- | ------------------------------------ |
 * | hosts          | nothing                                     | yes           | create                               |
 * | hosts          | nothing; a route leads to an unproven host  | not current   | held: unproven                       |
 * | hosts          | nothing; a better host is a moment old      | not current   | held: first answer                   |
 * | hosts          | nothing; it is a default route              | yes           | held unless `--tables` names tables  |
 * | hosts          | a route of another kind                     | any           | held: conflict                       |
 * | hosts          | owned, to the chosen host                   | yes           | nothing                              |
 * | hosts          | owned, to the chosen host, blackhole        | yes           | held: blackhole                      |
 * | hosts          | owned, to a failed host                     | yes           | replace (failover)                   |
 * | hosts          | owned, to a drained host                    | yes           | replace (repair)                     |
 * | hosts          | owned, blackhole                            | yes           | replace (failover)                   |
 * | hosts          | owned, to an unproven or unseen host        | yes           | held: unproven                       |
 * | hosts          | owned, to another able host                 | yes           | replace (repair): tables disagree    |
 * | hosts          | owned, to anything else                     | yes           | replace (repair): wrong target       |
 * | hosts          | anything                                    | no            | held: no healthy host; stays         |
 * | nothing, `[]`  | owned                                       | –             | delete                               |
 * | nothing        | owned; default route or inside the VPC      | –             | held unless named once or `--own`    |
 * | nothing        | owned, active, interface not in the reading | –             | held: interface unseen               |
 * | nothing, `[]`  | a route of another kind                     | –             | nothing                              |
 * | anything       | anything, in `--ignore-routes`/not `--own`  | –             | held if in the spec; never touched   |
 */
export const planCidr = (view: PlanView, range: Cidr): CidrPlan => {
  const hosts = view.hosts(range)
  const excluded = exclusion(view.policy, range)
  if (excluded !== undefined)
    return {
      host: undefined,
      actions: [],
      held:
        hosts === undefined
          ? []
          : [{ cidr: range, reason: excluded === "ignored" ? HoldReason.Ignored() : HoldReason.NotOwned() }],
    }
  if (hosts === undefined) return removed(view, range, Reason.NotInSpec())
  return hosts.length === 0 ? removed(view, range, Reason.Withdrawn()) : placed(view, range, hosts)
}
