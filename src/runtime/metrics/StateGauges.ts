import { Effect, Metric } from "effect"
import { urgencies } from "../../domain/Action.ts"
import type { Tally } from "../../domain/Tally.ts"
import type { QueueLoad } from "../../services/ec2/WriteQueue.ts"
import type { DaemonState } from "../ReconcilerStatus.ts"
import { guardNames } from "../GuardsToJson.ts"
import { holdNames, verdictNames, writeNames } from "../StatusToJson.ts"

/** What the gauges are made of: the state of the loop, gathered for little work. */
export interface Facts extends Pick<DaemonState, "now" | "startedAt" | "refresh" | "config" | "health"> {
  readonly tally: Tally
  readonly load: QueueLoad
}

type Labels = Readonly<Record<string, string>>

interface StateGauge {
  readonly name: string
  readonly description: string
  /** Its series; the labels are the same ones at all times. */
  readonly read: (facts: Facts) => ReadonlyArray<readonly [Labels, number]>
}

const one = (name: string, description: string, read: (facts: Facts) => number | boolean): StateGauge => ({
  name: `vpc_router_${name}`,
  description,
  read: (facts) => [[{}, Number(read(facts))]],
})

const several = (name: string, description: string, read: StateGauge["read"]): StateGauge => ({
  name: `vpc_router_${name}`,
  description,
  read,
})

const tagsOf = <Tag extends string>(names: Readonly<Record<Tag, string>>): ReadonlyArray<Tag> => {
  const isTag = (key: string): key is Tag => Object.hasOwn(names, key)
  return Object.keys(names).filter(isTag)
}

const gauges: ReadonlyArray<StateGauge> = [
  one(
    "protecting",
    "1 while a spec is in force, so that failing hosts are failed over.",
    ({ tally }) => tally.isProtecting,
  ),
  one(
    "restored",
    "1 while the spec is the one from before a restart: nothing is deleted by it.",
    ({ tally }) => tally.isRestored,
  ),
  one("spec_cidrs", "Destination CIDRs of the spec in force.", ({ tally }) => tally.cidrs),
  one(
    "spec_hosts",
    "Hosts of the spec in force.",
    ({ tally: { hosts } }) => hosts.Unknown + hosts.Healthy + hosts.Failed + hosts.Unwatched,
  ),
  several("hosts", "Hosts of the spec in force, by verdict.", ({ tally }) =>
    tagsOf(verdictNames).map((tag) => [{ verdict: verdictNames[tag] }, tally.hosts[tag]]),
  ),
  one("hosts_drained", "Hosts that the operator took out of service.", ({ tally }) => tally.drained),
  one(
    "hosts_damped",
    "Hosts that are chosen last for a while, since they failed again soon after they had recovered.",
    ({ tally }) => tally.damped,
  ),
  one(
    "hosts_withheld",
    "Failed hosts that keep their routes, since a guard holds their failure.",
    ({ tally }) => tally.withheld,
  ),
  several(
    "guard_holding",
    "1 while this guard holds something until its reason is gone, or it is confirmed.",
    ({ tally }) => tagsOf(guardNames).map((tag) => [{ guard: guardNames[tag] }, Number(tally.guards.has(tag))]),
  ),
  several("anchors", "Anchors by what is known of them, each by each check.", ({ tally: { anchors } }) =>
    (["answering", "silent", "unknown"] as const).map((state) => [{ state }, anchors[state]]),
  ),
  one(
    "anchors_without_say",
    "Anchors that count for nothing: they never answered, or were set aside and did not answer since.",
    ({ tally }) => tally.anchorsWithoutSay,
  ),
  one("route_tables", "Route tables in scope.", ({ tally }) => tally.tables),
  one("owned_routes", "Routes in these that are ours to move and to delete.", ({ tally }) => tally.owned),
  one(
    "cells_on_failed_hosts",
    "Routes of the spec that lead to a failed host: traffic is being lost.",
    ({ tally }) => tally.cellsOnFailedHosts,
  ),
  one(
    "cidrs_without_healthy_host",
    "CIDRs of the spec none of whose hosts may take a route.",
    ({ tally }) => tally.cidrsWithoutHost,
  ),
  one(
    "cidrs_without_alternative",
    "CIDRs with several hosts in the spec, of which fewer than two may take a route: the next failure is an outage.",
    ({ tally }) => tally.cidrsWithoutAlternative,
  ),
  several("held", "What is not done although the spec asks for it, by reason.", ({ tally }) =>
    tagsOf(holdNames).map((tag) => [{ reason: holdNames[tag] }, tally.held.get(tag) ?? 0]),
  ),
  several("queued_writes", "Writes that wait for their turn, by urgency.", ({ load }) =>
    urgencies.map((urgency) => [{ urgency }, load.queued[urgency]]),
  ),
  one("writes_in_flight", "Writes that EC2 has not answered yet.", ({ load }) => load.inFlight),
  one(
    "oldest_pending_write_age_seconds",
    "How long the oldest write that is not done has been wanted; 0: none.",
    ({ load, now }) => (load.oldestSince === undefined ? 0 : (now - load.oldestSince) / 1000),
  ),
  several("write_tokens", "What is left of EC2's rate limit for each write (of 50).", ({ load }) =>
    tagsOf(writeNames).map((tag) => [{ action: writeNames[tag] }, load.tokens[tag]]),
  ),
  one(
    "refresh_age_seconds",
    "Since the last whole reading of EC2 began; before the first one: since the start.",
    ({ now, refresh, startedAt }) => (now - (refresh.last?.readAt ?? startedAt)) / 1000,
  ),
  one("refresh_failing", "1 while readings of EC2 fail.", ({ refresh }) => refresh.failing !== undefined),
  several("source_up", "1 while the source of specs, or of verdicts, works.", ({ config, health }) => [
    [{ source: "config", name: config.name }, Number(config.trouble === undefined)],
    [{ source: "health", name: health.name }, Number(health.state._tag === "Up")],
  ]),
  several("check_up", "1 while this check can tell anything of hosts.", ({ health }) =>
    health.standings.map(({ name, state }) => [{ check: name }, Number(state._tag === "Up")]),
  ),
  several(
    "check_bound_seconds",
    "How long it takes at most until a host that dies has failed, by this check.",
    ({ health }) =>
      health.standings.flatMap(({ bound, name }) => (bound === undefined ? [] : [[{ check: name }, bound / 1000]])),
  ),
]

/** Brings the gauges up to date. */
export const updateGauges = (facts: Facts): Effect.Effect<void> =>
  Effect.forEach(
    gauges,
    ({ name, description, read }) =>
      Effect.forEach(
        read(facts),
        ([attributes, value]) => Metric.update(Metric.gauge(name, { description, attributes }), value),
        { discard: true },
      ),
    { discard: true },
  )
