import { Predicate, Result } from "effect"
import type { InsufficientData } from "../../../src/domain/AlarmVerdict.ts"
import { cidr } from "../../../src/domain/Cidr.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { defaultPolicy, type Policy, TableScope } from "../../../src/domain/Policy.ts"
import { decodeTopology, type Topology } from "../../../src/services/ec2/Topology.ts"
import type { Dice } from "./Dice.ts"

/** How large a simulated VPC is. */
export interface Size {
  readonly hosts: number
  readonly tables: number
  readonly cidrs: number
}

/** As many as there are addresses, ranges and, in EC2, tables for. */
export const mostOfSize: Size = { hosts: 240, tables: 200, cidrs: 256 }

/** A route spec as it is written: hosts by CIDR. */
export type Wanted = Readonly<Record<string, ReadonlyArray<string>>>

/** Whether it is one; all that is written here are, or are rubbish. */
export const isSpec = (json: unknown): json is Wanted =>
  Predicate.isObject(json) &&
  Object.entries(json).every(
    ([range, hosts]) => range.includes("/") && Array.isArray(hosts) && hosts.every(Predicate.isString),
  )

/** What a text says, if it is one. */
export const readSpec = (text: string | undefined): Wanted | undefined => {
  try {
    const json: unknown = JSON.parse(text ?? "")
    return isSpec(json) ? json : undefined
  } catch {
    return undefined
  }
}

/** What does not change while a simulation runs: the VPC as it begins, how the daemon is started, the first spec. */
export interface Scene {
  readonly size: Size
  readonly topology: Topology
  readonly hosts: ReadonlyArray<string>
  readonly cidrs: ReadonlyArray<string>
  /** Where each host is. */
  readonly zoneOf: ReadonlyMap<string, string>
  readonly anchors: ReadonlyArray<string>
  readonly policy: Policy
  readonly mode: "configfile" | "http"
  readonly keepsState: boolean
  readonly recheckInterval: number
  readonly probeInterval: number
  /** How many health sources probe. */
  readonly sources: number
  /** How alarms watch, with EC2's status checks beside them that only fail hosts; undefined: they do not. */
  readonly alarms:
    | { readonly withQueue: boolean; readonly insufficientData: InsufficientData; readonly period: number }
    | undefined
  /** The daemon asks EC2 for the state and the checks of instances. */
  readonly asksForStatus: boolean
  /** How the verdicts of several sources make one. */
  readonly healthPolicy: "AllFail" | "AnyFails"
  /** Some hosts and destinations are IPv6. */
  readonly isDual: boolean
  readonly spec: Wanted
}

const zones = ["a", "b", "c"]
const hostAt = (n: number): string => `10.0.${n % zones.length}.${10 + n}`
const rangeAt = (n: number): string => `10.200.${n}.0/24`
const sixthHostAt = (n: number): string => ip(`2001:db8:0:${n % zones.length}::${10 + n}`)
const sixthRangeAt = (n: number): string => cidr(`2001:db8:f00:${n}::/64`)
/** Of a VPC with both families every other one is IPv6. */
const isSixth = (isDual: boolean, n: number): boolean => isDual && n % 2 === 1
export const isDefaultRoute = (range: string): boolean => range === "0.0.0.0/0" || range === "::/0"

/** Hosts that may carry a destination: those of its family. */
export const someHosts = (dice: Dice, all: ReadonlyArray<string>, range: string): Array<string> => {
  const hosts = all.filter((host) => host.includes(":") === range.includes(":"))
  return dice.some(hosts, dice.whole(1, Math.min(4, hosts.length))).sort()
}

export const drawSize = (dice: Dice): Size => ({
  hosts: dice.whole(2, 12),
  tables: dice.whole(1, 4),
  cidrs: dice.whole(1, 9),
})

const tablesOf = (dice: Dice, { tables }: Size) => [
  ...Array.from({ length: tables }, (_, n) => ({
    id: `rtb-${n}`,
    main: n === 0,
    tags: { Name: `table ${n}` },
    subnets: n === 0 ? [] : [`subnet-${n - 1}`].filter(() => n - 1 < zones.length),
    routes: [
      { destination: "172.31.0.0/16", target: "pcx-1" },
      { destination: "192.168.7.0/24", target: "vgw-1", propagated: true },
      { destination: "10.99.0.0/16", target: "eni-nat" },
      ...(dice.hits(0.5) ? [{ destination: "0.0.0.0/0", target: n === 0 ? "nat-1" : "igw-1" }] : []),
      ...(dice.hits(0.1) ? [{ destination: "10.77.0.0/16", target: hostAt(0) }] : []),
    ],
  })),
  { id: "rtb-edge", edge: "igw-1", routes: [{ destination: "10.200.0.0/24", target: hostAt(0) }] },
]

/** What a seed plays on. */
export const drawScene = (dice: Dice, size: Size): Scene => {
  const isDual = dice.named("IPv6").hits(0.3)
  const hosts = Array.from({ length: size.hosts }, (_, n) => (isSixth(isDual, n) ? sixthHostAt(n) : hostAt(n)))
  const cidrs = Array.from({ length: size.cidrs }, (_, n) => (isSixth(isDual, n) ? sixthRangeAt(n) : rangeAt(n)))
  const named = dice.hits(0.25)
  if (named && dice.hits(0.5)) cidrs.push(isDual ? "::/0" : "0.0.0.0/0")
  const spec = Object.fromEntries(cidrs.map((range) => [range, someHosts(dice, hosts, range)]))
  const topology = decodeTopology({
    vpc: { id: "vpc-days", owner: "123456789012", cidrs: ["10.0.0.0/16", "2001:db8::/56"] },
    subnets: zones.map((zone, n) => ({ id: `subnet-${n}`, zone, cidrs: [`10.0.${n}.0/24`, `2001:db8:0:${n}::/64`] })),
    hosts: [
      ...hosts.map((address, n) => ({
        interface: `eni-${n}`,
        instance: `i-${n}`,
        addresses: isSixth(isDual, n) ? [hostAt(n), address] : [address],
        sourceDestCheck: dice.hits(0.05),
      })),
      { interface: "eni-nat", addresses: ["10.0.0.250"], requesterManaged: true },
    ],
    tables: tablesOf(dice, size),
  })
  const watch = drawWatch(dice.named("health"))
  const anchors = dice.hits(0.5) ? ["10.0.0.2", "10.0.1.2"].slice(0, dice.whole(1, 2)) : []
  return {
    ...watch,
    size,
    isDual,
    topology: Result.getOrThrow(topology),
    hosts,
    cidrs,
    zoneOf: new Map(hosts.map((host, n) => [host, zones[n % zones.length] ?? ""])),
    // Only who probes can watch them.
    anchors: watch.probes ? anchors : [],
    policy: {
      ...defaultPolicy,
      tables: named ? TableScope.All() : TableScope.Every(),
      own: dice.hits(0.15) ? [cidr("10.0.0.0/8")] : [],
      ignore: dice.hits(0.15) ? [cidr("10.200.1.0/24")] : [],
    },
    mode: dice.hits(0.3) ? "configfile" : "http",
    keepsState: dice.hits(0.8),
    recheckInterval: dice.one([10_000, 30_000, 30_000, 60_000]),
    probeInterval: dice.one([1_000, 1_000, 5_000, 10_000]),
    sources: watch.probes ? (dice.hits(0.2) ? 2 : 1) : 0,
    spec,
  }
}

/** What watches the hosts besides probes, or instead of them. */
const drawWatch = (dice: Dice) => {
  const kind = dice.one(["probes", "probes", "probes", "alarms", "probes and alarms", "probes and checks"] as const)
  const hasAlarms = kind === "alarms" || kind === "probes and alarms"
  // EC2's checks do not see that a host hangs: if all had to say so, its routes would stay.
  const healthPolicy: Scene["healthPolicy"] =
    kind === "probes" || (kind === "probes and alarms" && dice.hits(0.5)) ? "AllFail" : "AnyFails"
  return {
    probes: kind !== "alarms",
    alarms: hasAlarms
      ? {
          withQueue: dice.hits(0.7),
          insufficientData: dice.one(["keep", "keep", "failed", "healthy"] as const),
          period: dice.one([10_000, 30_000]),
        }
      : undefined,
    asksForStatus: kind !== "probes",
    healthPolicy,
  }
}
