import { cidr } from "../../../src/domain/Cidr.ts"
import { type Health, Verdict } from "../../../src/domain/Health.ts"
import { InstanceId, InterfaceId, RouteTableId, VpcId } from "../../../src/domain/Ids.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { defaultPolicy, type Policy } from "../../../src/domain/Policy.ts"
import type { RouteSpec } from "../../../src/domain/RouteSpec.ts"
import {
  type InstanceState,
  type NetworkInterface,
  type Route,
  type RouteTable,
  RouteTarget,
  type Vpc,
} from "../../../src/domain/Vpc.ts"
import { ourAccount } from "./Pools.ts"
import type { Scene } from "./Scenes.ts"

// Small scenes, written down by hand. Host `a` is 10.33.20.1 at eni-a of instance i-a, `b` is 10.33.20.2, and so on.

const letters = ["a", "b", "c", "d", "e"] as const
export type Letter = (typeof letters)[number]
type HealthWord = "healthy" | "failed" | "unknown" | "unwatched" | "drained"

/** The destination that small scenes are about, unless they say otherwise. */
export const destination = cidr("192.168.0.0/16")

export const hostAt = (letter: Letter): Ip => ip(`10.33.20.${letters.indexOf(letter) + 1}`)
export const interfaceAt = (letter: string): InterfaceId => InterfaceId(`eni-${letter}`)
export const tableAt = (number: number): RouteTableId => RouteTableId(`rtb-${number}`)

/**
 * What a cell holds: `a`: a route to eni-a; `a!`: the same, a blackhole; `igw-1`: to a gateway; `-`: nothing. A letter
 * without host (`x`) stands for an interface that is in no reading.
 */
const routeOf = (range: Route["destination"], text: string): ReadonlyArray<Route> => {
  if (text === "-") return []
  const blackhole = text.endsWith("!")
  const word = text.replace("!", "")
  const target =
    word.length === 1
      ? RouteTarget.Interface({ interfaceId: interfaceAt(word) })
      : word.startsWith("i-")
        ? RouteTarget.Instance({ instanceId: InstanceId(word) })
        : RouteTarget.Other({ kind: "GatewayId", id: word })
  return [{ destination: range, target, state: blackhole ? "blackhole" : "active", origin: "CreateRoute" }]
}

/** A host's interface. */
export const networkInterface = (letter: Letter, change: Partial<NetworkInterface> = {}): NetworkInterface => ({
  id: interfaceAt(letter),
  addresses: [hostAt(letter)],
  instanceId: InstanceId(`i-${letter}`),
  sourceDestCheck: false,
  requesterManaged: false,
  ownerId: ourAccount,
  zone: "us-east-1a",
  ...change,
})

export interface SmallVpc {
  /** For each destination what the tables hold: `"a a -"` is rtb-1 and rtb-2 to eni-a, and nothing in rtb-3. */
  readonly routes: Readonly<Record<string, string>>
  /** Changes to the interfaces of hosts; `undefined` leaves one out of the reading. */
  readonly interfaces?: Partial<Record<Letter, Partial<NetworkInterface> | undefined>>
  readonly instances?: Partial<Record<Letter, InstanceState>>
  readonly edge?: ReadonlyArray<number>
}

export const smallVpc = ({ routes, interfaces = {}, instances = {}, edge = [] }: SmallVpc): Vpc => {
  const rows = Object.entries(routes).map(([text, row]) => [cidr(text), row.split(" ")] as const)
  const count = Math.max(1, ...rows.map(([, row]) => row.length))
  const tables = Array.from({ length: count }, (_, i): RouteTable => ({
    id: tableAt(i + 1),
    main: i === 0,
    edge: edge.includes(i + 1),
    subnets: [],
    tags: new Map(),
    routes: rows.flatMap(([range, row]) => routeOf(range, row[i] ?? "-")),
    prefixListRoutes: [],
  }))
  const present = letters.flatMap((letter) => {
    if (letter in interfaces && interfaces[letter] === undefined) return []
    return [networkInterface(letter, interfaces[letter])]
  })
  return {
    id: VpcId("vpc-1"),
    ownerId: ourAccount,
    cidrs: [cidr("10.33.0.0/16")],
    tables: new Map(tables.map((table) => [table.id, table])),
    interfaces: new Map(present.map((one) => [one.id, one])),
    instances: new Map(letters.map((letter) => [InstanceId(`i-${letter}`), instances[letter] ?? "running"])),
  }
}

export const smallSpec = (spec: Readonly<Record<string, string>>): RouteSpec =>
  new Map(
    Object.entries(spec).map(([text, list]) => [
      cidr(text),
      letters.filter((letter) => list.includes(letter)).map(hostAt),
    ]),
  )

export const smallHealth = (words: Partial<Record<Letter, HealthWord>>): Health =>
  new Map(
    letters.flatMap((letter): ReadonlyArray<readonly [Ip, Verdict]> => {
      const word = words[letter]
      if (word === undefined) return []
      if (word === "failed") return [[hostAt(letter), Verdict.Failed({ since: 0, reason: "3 probes lost" })]]
      if (word === "unknown") return [[hostAt(letter), Verdict.Unknown({ since: 0 })]]
      if (word === "unwatched") return [[hostAt(letter), Verdict.Unwatched({ since: 0, why: "no alarm covers it" })]]
      return [[hostAt(letter), Verdict.Healthy({ since: 0 })]]
    }),
  )

export interface SmallScene extends SmallVpc {
  /** For each destination the letters of its hosts: `"abc"`. */
  readonly spec: Readonly<Record<string, string>>
  readonly health: Partial<Record<Letter, HealthWord>>
  readonly policy?: Partial<Policy>
}

export const small = ({ spec, health, policy, ...vpc }: SmallScene): Scene => ({
  spec: smallSpec(spec),
  health: smallHealth(health),
  vpc: smallVpc(vpc),
  policy: { ...defaultPolicy, ...policy },
  drained: new Set(letters.filter((letter) => health[letter] === "drained").map(hostAt)),
})
