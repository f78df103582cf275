import fc from "fast-check"
import type { Cidr } from "../../../src/domain/Cidr.ts"
import type { GuardPolicy } from "../../../src/domain/GuardPolicy.ts"
import { type Health, Verdict } from "../../../src/domain/Health.ts"
import { type InstanceId, type InterfaceId, type RouteTableId, VpcId } from "../../../src/domain/Ids.ts"
import type { Ip } from "../../../src/domain/Ip.ts"
import { type Policy, TableScope, TableSelector } from "../../../src/domain/Policy.ts"
import type { RouteSpec } from "../../../src/domain/RouteSpec.ts"
import {
  type InstanceState,
  type NetworkInterface,
  type Route,
  type RouteOrigin,
  type RouteTable,
  RouteTarget,
  type Vpc,
} from "../../../src/domain/Vpc.ts"
import {
  anyDestination,
  anyRange,
  destinations,
  hosts,
  hostsFor,
  instanceIds,
  interfaceIds,
  otherAccount,
  ourAccount,
  strangers,
  tableIds,
  vpcRanges,
} from "./Pools.ts"

/** Everything that one plan is made from. */
export interface Scene {
  readonly spec: RouteSpec
  readonly health: Health
  readonly vpc: Vpc
  readonly policy: Policy
  readonly drained: ReadonlySet<Ip>
  /** Hosts that relapsed a moment ago. Where it is missing: none. */
  readonly damped?: ReadonlySet<Ip>
  /** Failed hosts whose failure a guard holds. Where it is missing: none. */
  readonly withheld?: ReadonlySet<Ip>
}

/** One of several by weight. Failures shrink towards the first. */
const often = <A>(...choices: ReadonlyArray<readonly [number, fc.Arbitrary<A>]>): fc.Arbitrary<A> =>
  fc.oneof({ withCrossShrink: true }, ...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))

/** True now and then; failures shrink towards false. */
const chance = (percent: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 1, max: 100 }).map((n) => n > 100 - percent)

/** True as a rule; failures shrink towards true. */
const mostly = (percent: number): fc.Arbitrary<boolean> => fc.integer({ min: 1, max: 100 }).map((n) => n <= percent)

export const anyVerdict: fc.Arbitrary<Verdict> = often<Verdict>(
  [10, fc.constant(Verdict.Healthy({ since: 0 }))],
  [3, fc.constant(Verdict.Failed({ since: 0, reason: "3 probes lost" }))],
  [2, fc.constant(Verdict.Unknown({ since: 0 }))],
  [1, fc.constant(Verdict.Unwatched({ since: 0, why: "no alarm covers it" }))],
)

export const anyHealth: fc.Arbitrary<Health> = fc
  .tuple(...[...hosts, ...strangers].map((host) => fc.tuple(fc.constant(host), fc.option(anyVerdict, { freq: 9 }))))
  .map((entries) => new Map(entries.flatMap(([host, verdict]) => (verdict === null ? [] : [[host, verdict]]))))

const someHosts = (destination: Cidr): fc.Arbitrary<ReadonlyArray<Ip>> =>
  often(
    [1, fc.constant<ReadonlyArray<Ip>>([])],
    [8, fc.subarray([...hostsFor(destination)], { minLength: 1 }).map((list) => list.toSorted())],
  )

export const anySpec: fc.Arbitrary<RouteSpec> = fc
  .array(
    anyDestination.chain((destination) => fc.tuple(fc.constant(destination), someHosts(destination))),
    { maxLength: 9, size: "max" },
  )
  .map((entries) => new Map(entries))

const anySelector: fc.Arbitrary<TableSelector> = fc.oneof(
  fc.constantFrom(...tableIds).map((id) => TableSelector.Id({ id })),
  fc.constant(TableSelector.Tag({ key: "vpc-router", value: "yes" })),
  fc.constant(TableSelector.Main()),
)

const anyRanges: fc.Arbitrary<ReadonlyArray<Cidr>> = often<ReadonlyArray<Cidr>>(
  [8, fc.constant([])],
  [1, fc.array(anyRange, { minLength: 1, maxLength: 2 })],
)

export const anyPolicy: fc.Arbitrary<Policy> = fc.record({
  tables: often<TableScope>(
    [5, fc.constant(TableScope.Every())],
    [3, fc.constant(TableScope.All())],
    [2, fc.array(anySelector, { maxLength: 3 }).map((selectors) => TableScope.Named({ selectors }))],
  ),
  own: anyRanges,
  ignore: anyRanges,
})

/** How the guards are set; undefined: as by default. */
export const anyGuards: fc.Arbitrary<GuardPolicy | undefined> = often<GuardPolicy | undefined>(
  [2, fc.constant(undefined)],
  [
    3,
    fc.record({
      massFailure: fc.constantFrom(undefined, undefined, 0.3, 0.5, 2 / 3),
      failoverLimit: fc.constantFrom<GuardPolicy["failoverLimit"]>(1, 1, 1, 2, undefined, "auto"),
      damping: fc.constantFrom(undefined, 1_000, 30_000),
      settle: fc.constantFrom(500, 3_500),
    }),
  ],
)

const anyInstanceState: fc.Arbitrary<InstanceState> = often<InstanceState>(
  [8, fc.constant("running")],
  [2, fc.constantFrom("stopped", "terminated", "stopping", "shutting-down", "pending")],
)

interface Draft {
  readonly attached: boolean
  readonly sharesInstance: boolean
  readonly inReading: boolean
  readonly sourceDestCheck: boolean
  readonly requesterManaged: boolean
  readonly owner: "ours" | "other" | "unknown"
}

const anyDraft: fc.Arbitrary<Draft> = fc.record({
  attached: mostly(88),
  sharesInstance: chance(10),
  inReading: mostly(88),
  sourceDestCheck: chance(20),
  requesterManaged: chance(8),
  owner: often<Draft["owner"]>([16, fc.constant("ours")], [1, fc.constant("other")], [3, fc.constant("unknown")]),
})

const ownerId = (owner: Draft["owner"]) =>
  owner === "ours" ? ourAccount : owner === "other" ? otherAccount : undefined

const instanceOf = (index: number, { attached, sharesInstance }: Draft): InstanceId | undefined =>
  attached ? instanceIds[sharesInstance ? 0 : index] : undefined

const interfaceOf = (index: number, draft: Draft, addresses: ReadonlyArray<Ip>): NetworkInterface | undefined => {
  const id = interfaceIds[index]
  return id === undefined || !draft.inReading
    ? undefined
    : {
        id,
        addresses,
        instanceId: instanceOf(index, draft),
        sourceDestCheck: draft.sourceDestCheck,
        requesterManaged: draft.requesterManaged,
        ownerId: ownerId(draft.owner),
        zone: "us-east-1a",
      }
}

/** Which interfaces show a host's address: one as a rule, none, or two while it moves. Small numbers share interfaces. */
const anyHome: fc.Arbitrary<ReadonlyArray<number>> = often<ReadonlyArray<number>>(
  [12, fc.integer({ min: 0, max: interfaceIds.length - 1 }).map((index) => [index])],
  [1, fc.constant([])],
  [1, fc.uniqueArray(fc.integer({ min: 0, max: interfaceIds.length - 1 }), { minLength: 2, maxLength: 2 })],
)

const anyInterfaces: fc.Arbitrary<ReadonlyMap<InterfaceId, NetworkInterface>> = fc
  .record({
    drafts: fc.tuple(...interfaceIds.map(() => anyDraft)),
    homes: fc.tuple(...hosts.map(() => anyHome)),
  })
  .map(({ drafts, homes }) => {
    const made = drafts.map((draft, index) =>
      interfaceOf(
        index,
        draft,
        hosts.filter((_, host) => homes[host]?.includes(index) === true),
      ),
    )
    return new Map(made.flatMap((one) => (one === undefined ? [] : [[one.id, one]])))
  })

const others = [
  RouteTarget.Other({ kind: "GatewayId", id: "igw-1" }),
  RouteTarget.Other({ kind: "NatGatewayId", id: "nat-1" }),
  RouteTarget.Other({ kind: "GatewayId", id: "local" }),
  RouteTarget.Other({ kind: "VpcPeeringConnectionId", id: "pcx-1" }),
]

const anyTarget: fc.Arbitrary<RouteTarget> = often<RouteTarget>(
  [
    16,
    fc.record({ index: fc.nat(interfaceIds.length - 1), foreign: chance(4), attached: mostly(85) }).map((draft) =>
      RouteTarget.Interface({
        interfaceId: interfaceIds[draft.index]!,
        ...(draft.attached
          ? { instanceId: instanceIds[draft.index], ownerId: draft.foreign ? otherAccount : ourAccount }
          : {}),
      }),
    ),
  ],
  [1, fc.constantFrom(...instanceIds).map((instanceId) => RouteTarget.Instance({ instanceId }))],
  [2, fc.constantFrom(...others)],
)

type Placed = Omit<Route, "destination">

const anyPlaced: fc.Arbitrary<Placed> = fc.record({
  target: anyTarget,
  state: often<Route["state"]>([8, fc.constant("active")], [2, fc.constant("blackhole")]),
  origin: often<RouteOrigin>(
    [18, fc.constant("CreateRoute")],
    [1, fc.constantFrom("CreateRouteTable", "EnableVgwRoutePropagation")],
  ),
})

const propagated = (destination: Cidr): Route => ({
  destination,
  target: RouteTarget.Other({ kind: "GatewayId", id: "vgw-1" }),
  state: "active",
  origin: "EnableVgwRoutePropagation",
})

/** One destination over all tables: most agree with the usual route, some lack it, some have another. */
const anyRow = (destination: Cidr): fc.Arbitrary<ReadonlyArray<ReadonlyArray<Route>>> =>
  anyPlaced.chain((usual) =>
    fc.tuple(
      ...tableIds.map(() =>
        fc
          .record({
            route: often<Placed | undefined>(
              [3, fc.constant(undefined)],
              [6, fc.constant(usual)],
              [2, fc.constant({ ...usual, state: "active" as const })],
              [3, anyPlaced],
            ),
            alsoPropagated: chance(8),
            propagatedFirst: fc.boolean(),
          })
          .map(({ route, alsoPropagated, propagatedFirst }) => {
            const own = route === undefined ? [] : [{ destination, ...route }]
            // EC2 has one virtual private gateway a VPC: a destination is propagated once.
            const twice = alsoPropagated && route?.origin !== "EnableVgwRoutePropagation"
            if (!twice) return own
            return propagatedFirst ? [propagated(destination), ...own] : [...own, propagated(destination)]
          }),
      ),
    ),
  )

interface TableDraft {
  readonly exists: boolean
  readonly edge: boolean
  readonly tagged: boolean
  readonly prefixList: boolean
}

const anyTableDraft: fc.Arbitrary<TableDraft> = fc.record({
  exists: mostly(85),
  edge: chance(10),
  tagged: mostly(60),
  prefixList: chance(20),
})

const tableOf = (
  index: number,
  draft: TableDraft,
  rows: ReadonlyArray<ReadonlyArray<ReadonlyArray<Route>>>,
): RouteTable | undefined => {
  const id = tableIds[index]
  return id === undefined || !draft.exists
    ? undefined
    : {
        id,
        main: index === 0,
        edge: draft.edge,
        subnets: [],
        tags: new Map(draft.tagged ? [["vpc-router", "yes"]] : [["Name", "other"]]),
        routes: rows.flatMap((row) => row[index] ?? []),
        prefixListRoutes: draft.prefixList
          ? [{ prefixListId: "pl-1", target: RouteTarget.Interface({ interfaceId: interfaceIds[0]! }) }]
          : [],
      }
}

const anyTables: fc.Arbitrary<ReadonlyMap<RouteTableId, RouteTable>> = fc
  .record({
    drafts: fc.tuple(...tableIds.map(() => anyTableDraft)),
    rows: fc.subarray([...destinations], { minLength: 3 }).chain((some) => fc.tuple(...some.map(anyRow))),
  })
  .map(({ drafts, rows }) => {
    const made = drafts.map((draft, index) => tableOf(index, draft, rows))
    return new Map(made.flatMap((one) => (one === undefined ? [] : [[one.id, one]])))
  })

export const anyVpc: fc.Arbitrary<Vpc> = fc
  .record({
    ownerId: often([9, fc.constant(ourAccount)], [1, fc.constant(undefined)]),
    tables: anyTables,
    interfaces: anyInterfaces,
    instances: fc.tuple(...instanceIds.map(() => fc.option(anyInstanceState, { freq: 9 }))),
  })
  .map(({ ownerId, tables, interfaces, instances }) => ({
    id: VpcId("vpc-1"),
    ownerId,
    cidrs: vpcRanges,
    tables,
    interfaces,
    instances: new Map(
      instances.flatMap((state, index) => {
        const id = instanceIds[index]
        return state === null || id === undefined ? [] : [[id, state]]
      }),
    ),
  }))

const anyDrained: fc.Arbitrary<ReadonlySet<Ip>> = often<ReadonlySet<Ip>>(
  [3, fc.constant(new Set<Ip>())],
  [1, fc.subarray([...hosts], { minLength: 1, maxLength: 2 }).map((some) => new Set(some))],
)

/** Scenes with everything that can be wrong in them, at once. */
export const anyScene: fc.Arbitrary<Scene> = fc.record({
  spec: anySpec,
  health: anyHealth,
  vpc: anyVpc,
  policy: anyPolicy,
  drained: anyDrained,
})
