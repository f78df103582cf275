import { Action, compareText, Reason, type Urgency } from "./Action.ts"
import { type Cidr, containedInAny, isDefaultRoute } from "./Cidr.ts"
import type { Millis } from "./Health.ts"
import { type Held, HoldReason, type Unable } from "./Hold.ts"
import { type Able, type HostStanding, type Keeping, whyNot } from "./HostStanding.ts"
import type { InterfaceId, RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import { type Leads, leadsAmong } from "./Lead.ts"
import { allowsDefaultRoutes, exclusion, type Policy } from "./Policy.ts"
import { score } from "./Rendezvous.ts"
import type { StandingRoute, VpcIndex } from "./VpcIndex.ts"
import { contender, contentsOf, countVotes, isInDoubt, noVotes, type Votes } from "./Votes.ts"
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
  /** The spec comes from before a restart: nothing is deleted by it. */
  readonly isRestored: boolean
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

type NotAble = Exclude<HostStanding, Able>

const isAble = (standing: HostStanding): standing is Able => standing._tag === "Able"

/** Better first: SourceDestCheck off before on, not damped before damped, then rendezvous score. Hosts come by address. */
const compareRank = (range: Cidr) => (a: Able, b: Able) =>
  Number(a.lastResort) - Number(b.lastResort) ||
  Number(a.damped) - Number(b.damped) ||
  score(range, b.host) - score(range, a.host)

/** The able host that most tables name, by active routes before blackholes, before what may be; ties by rank. */
const currentHost = (
  range: Cidr,
  able: ReadonlyArray<Able>,
  votes: ReadonlyMap<InterfaceId, Votes>,
): Able | undefined => {
  const of = ({ interfaceId }: Able): Votes => votes.get(interfaceId) ?? noVotes
  const rank = compareRank(range)
  return able
    .filter((host) => of(host).possible > 0)
    .sort(
      (a, b) => of(b).active - of(a).active || of(b).all - of(a).all || of(b).possible - of(a).possible || rank(a, b),
    )[0]
}

const withoutHost = (range: Cidr, others: ReadonlyArray<NotAble>): Held => {
  const hosts: ReadonlyArray<Unable> = others.map((standing) => ({ host: standing.host, why: whyNot(standing) }))
  const someFailed = others.some((one) => one._tag === "Losing" || one.withheld !== undefined)
  return { cidr: range, reason: someFailed ? HoldReason.NoHealthyHost({ hosts }) : HoldReason.HealthUnknown({ hosts }) }
}

/** Why something is not done, and until when. */
interface Wait {
  readonly reason: HoldReason
  readonly until?: Millis | undefined
}

interface Placement {
  readonly range: Cidr
  readonly chosen: Able
  readonly leads: Leads
  /** What keeps missing routes from being created. */
  readonly creation: Wait | undefined
  /** What keeps routes from being moved that nobody suffers from. */
  readonly repair: Wait | undefined
}

interface Rewrite {
  readonly urgency: Extract<Urgency, "failover" | "repair">
  readonly reason: Reason
}

const unproven = ({ host, why, withheld }: Keeping): Wait => withheld ?? { reason: HoldReason.Unproven({ host, why }) }

/** Why a route to elsewhere is moved whatever else speaks against it: its traffic is lost, or its host was drained. */
const whyMove = (leads: Leads, route: StandingRoute): Rewrite | undefined => {
  const host = leads(route)
  const loss = host?._tag === "Losing" ? host.reason : undefined
  if (loss?._tag === "HostFailed") return { urgency: "failover", reason: loss }
  if (route.blackhole) return { urgency: "failover", reason: Reason.Blackhole() }
  return loss === undefined ? undefined : { urgency: "repair", reason: loss }
}

/** Why a cell with an owned route to elsewhere is rewritten; or what keeps it from that. */
const whyReplace = (
  { chosen, leads, repair }: Placement,
  { believed }: CellContent,
  route: StandingRoute,
): Rewrite | Wait => {
  const move = whyMove(leads, route)
  if (move !== undefined) return move
  if (believed?.interfaceId === chosen.interfaceId) return { urgency: "repair", reason: Reason.ChangedBack() }
  const host = leads(route)
  if (host?._tag === "Keeping") return unproven(host)
  if (!route.interfaceSeen) return { reason: HoldReason.InterfaceUnseen({ target: route.target }) }
  return repair ?? { urgency: "repair", reason: host === undefined ? Reason.WrongTarget() : Reason.TablesDisagree() }
}

/** How many tables name the chosen host, at least, once everything that cannot wait has been moved to it. */
const votesSoon = ({ interfaceId }: Able, leads: Leads, cells: ReadonlyArray<CellContent>): number =>
  cells.filter((cell) =>
    contentsOf(cell).every(
      ({ present, believed }) =>
        (believed?.owned === true && believed.interfaceId === interfaceId && !believed.blackhole) ||
        (present?.owned === true && present.interfaceId !== interfaceId && whyMove(leads, present) !== undefined),
    ),
  ).length

type Placed = Action | Held | undefined

const isAction = (placed: Placed): placed is Action => placed !== undefined && "_tag" in placed
const isHeld = (placed: Placed): placed is Held => placed !== undefined && !("_tag" in placed)

/** Decides one cell of a CIDR that has an able host. Undefined: it is as it should be. */
const placeCell = (placement: Placement, table: RouteTableId, cell: CellContent): Placed => {
  const known = placeContent(placement, table, cell)
  if (cell.attempted === undefined) return known
  const all = contentsOf(cell).map((content) => ({ content, placed: placeContent(placement, table, content) }))
  // A route that must stay is not written over because another one may be there; where none is, none can be lost.
  const stays = all.find(({ content, placed }) => content.present !== undefined && isHeld(placed))?.placed
  if (stays !== undefined) return stays
  const actions = all.map(({ placed }) => placed).filter(isAction)
  if (isAction(known) && known._tag !== "ReplaceRoute") return known
  return actions.find(({ urgency }) => urgency === "failover") ?? actions[0] ?? known
}

/** The same of what it is known, or thought, to hold. */
const placeContent = (placement: Placement, table: RouteTableId, cell: CellContent): Placed => {
  const { range, chosen, creation } = placement
  const { host, interfaceId } = chosen
  const hold = (wait: Wait): Held => ({ cidr: range, table, ...wait })
  const route = cell.present
  if (route === undefined) {
    if (creation !== undefined) return hold(creation)
    const reason = cell.believed === undefined ? Reason.Missing() : Reason.ChangedBack()
    return Action.CreateRoute({ table, cidr: range, host, interfaceId, reason, urgency: "creation" })
  }
  if (!route.owned) return hold({ reason: HoldReason.Conflict({ target: route.target }) })
  if (route.interfaceId === interfaceId)
    return route.blackhole ? hold({ reason: HoldReason.Blackhole({ host }) }) : undefined
  const why = whyReplace(placement, cell, route)
  return "urgency" in why
    ? Action.ReplaceRoute({ table, cidr: range, host, interfaceId, before: route.target, ...why })
    : hold(why)
}

/** A host that has hardly been watched yet and would be preferred: it is given a moment to answer. */
const firstAnswer = (view: PlanView, range: Cidr, chosen: Able, others: ReadonlyArray<NotAble>): Wait | undefined => {
  for (const { host } of others) {
    const until = view.firstAnswerUntil(host)
    if (until !== undefined && score(range, host) > score(range, chosen.host))
      return { reason: HoldReason.FirstAnswer({ host }), until }
  }
  return undefined
}

/** What keeps routes from being moved that nobody suffers from: another host may be the one that most tables name. */
const whyNotRepair = (
  cells: ReadonlyArray<CellContent>,
  all: ReadonlyArray<HostStanding>,
  chosen: Able,
  leads: Leads,
  votes: ReadonlyMap<InterfaceId, Votes>,
): Wait | undefined => {
  // As a rule there is no such host, and nothing need be counted.
  const isOpen = all.some(({ _tag }) => _tag === "Keeping") || cells.some(({ attempted }) => attempted !== undefined)
  if (!isOpen) return undefined
  const soon = votesSoon(chosen, leads, cells)
  const rival = contender(cells, leads, soon)
  if (rival !== undefined) return unproven(rival)
  return isInDoubt(cells, all.filter(isAble), chosen, votes, soon) ? { reason: HoldReason.Unanswered() } : undefined
}

const placed = (view: PlanView, range: Cidr, hosts: ReadonlyArray<Ip>): CidrPlan => {
  const cellOf = view.cells(range)
  const cells = view.index.tables.map(cellOf)
  const all = [...new Set(hosts)].sort(compareText).map(view.standing)
  const able = all.filter(isAble)
  const others = all.filter((standing): standing is NotAble => !isAble(standing))
  const votes = countVotes(cells)
  const current = currentHost(range, able, votes)
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
  const leads = leadsAmong(all)
  const repair = whyNotRepair(cells, all, chosen, leads, votes)
  const creation: Wait | undefined =
    isDefaultRoute(range) && !allowsDefaultRoutes(view.policy)
      ? { reason: HoldReason.DefaultRoute() }
      : (repair ?? (current === undefined ? firstAnswer(view, range, chosen, others) : undefined))
  const placement: Placement = { range, chosen, leads, creation, repair }
  cells.forEach((cell, i) => {
    const table = view.index.tables[i]
    const outcome = table === undefined ? undefined : placeCell(placement, table, cell)
    if (outcome === undefined) return
    if (isAction(outcome)) actions.push(outcome)
    else held.push(outcome)
  })
  return { host: chosen.host, actions, held }
}

/** What keeps an owned route that the spec does not ask for from being deleted, if anything does. */
const whyNotDelete = (view: PlanView, range: Cidr, route: StandingRoute): HoldReason | undefined => {
  if (!route.interfaceSeen && !route.blackhole) return HoldReason.InterfaceUnseen({ target: route.target })
  if (view.isRestored) return HoldReason.Restored()
  if (view.wasNamed(range) || containedInAny(view.policy.own, range)) return undefined
  if (isDefaultRoute(range)) return HoldReason.Protected({ what: "default route" })
  return containedInAny(view.index.vpc.cidrs, range) ? HoldReason.Protected({ what: "inside the VPC" }) : undefined
}

const removed = (view: PlanView, range: Cidr, reason: Reason): CidrPlan => {
  const cellOf = view.cells(range)
  const actions: Array<Action> = []
  const held: Array<Held> = []
  for (const table of view.index.tables) {
    const { isDisputed, present: route } = cellOf(table)
    if (isDisputed && route !== undefined)
      held.push({ cidr: range, table, reason: HoldReason.Conflict({ target: route.target }) })
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
 * The *chosen* host is the able host (healthy, in the VPC, not drained) that most tables name by active routes, else by
 * blackholes; if no table names one, the one with the highest rank. It is *contested* while at least as many tables name
 * a host that nothing is proven of yet: after a restart the first host to answer must not pull routes off the others.
 *
 * | the spec lists | the cell holds                              | chosen host   | outcome                              |
 * | -------------- | ------------------------------------------- | ------------- | ------------------------------------ |
 * | hosts          | nothing                                     | yes           | create                               |
 * | hosts          | nothing                                     | contested     | held: unproven                       |
 * | hosts          | nothing; a better host is a moment old      | not current   | held: first answer                   |
 * | hosts          | nothing; it is a default route              | yes           | held unless `--tables` names tables  |
 * | hosts          | a route of another kind                     | any           | held: conflict                       |
 * | hosts          | owned, to the chosen host                   | yes           | nothing                              |
 * | hosts          | owned, to the chosen host, blackhole        | yes           | held: blackhole                      |
 * | hosts          | owned, to a failed host                     | yes           | replace (failover)                   |
 * | hosts          | owned, blackhole                            | yes           | replace (failover)                   |
 * | hosts          | owned, to a drained host                    | yes           | replace (repair)                     |
 * | hosts          | owned, not what we wrote there              | yes           | replace (repair): changed back       |
 * | hosts          | owned, to an unproven or unseen host        | yes           | held: unproven                       |
 * | hosts          | owned, to a host whose failure a guard holds | yes          | held: as the guard says              |
 * | hosts          | owned, interface not in the reading         | yes           | held: interface unseen               |
 * | hosts          | owned, to anything else                     | contested     | held: unproven                       |
 * | hosts          | owned, to another able host                 | yes           | replace (repair): tables disagree    |
 * | hosts          | owned, to anything else                     | yes           | replace (repair): wrong target       |
 * | hosts          | anything                                    | no            | held: no healthy host; stays         |
 * | hosts          | either of two, as no answer came to a write | yes           | as either of them; what holds, holds |
 * | hosts          | such, or owned; another able host may be it | in doubt      | held: unanswered                     |
 * | nothing, `[]`  | owned                                       | –             | delete                               |
 * | nothing        | owned; default route or inside the VPC      | –             | held unless named once or `--own`    |
 * | nothing, `[]`  | owned; the spec was restored at the start    | –             | held until a spec is accepted        |
 * | nothing, `[]`  | owned, active, interface not in the reading | –             | held: interface unseen               |
 * | nothing, `[]`  | a route of another kind                     | –             | nothing                              |
 * | nothing, `[]`  | such a one; the last reading shows one of ours | –          | held for five minutes: conflict      |
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
