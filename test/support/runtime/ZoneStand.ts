import { Effect, Result } from "effect"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { decodeTopology, type Topology } from "../../../src/services/ec2/Topology.ts"
import { carriers, daemon, type DaemonOptions, pass, Specs } from "./SimulatedDaemon.ts"

const zoneNames = ["us-east-1a", "us-east-1b", "us-east-1c"]

/** `hosts` machines, spread over so many zones; one route table for each zone. */
const topology = (hosts: number, zones: number): Topology =>
  Result.getOrThrow(
    decodeTopology({
      vpc: { id: "vpc-1", owner: "123456789012", cidrs: ["10.33.0.0/16"] },
      subnets: zoneNames
        .slice(0, zones)
        .map((zone, z) => ({ id: `subnet-${z}`, zone, cidrs: [`10.33.${z * 16}.0/20`] })),
      hosts: Array.from({ length: hosts }, (_, n) => ({
        interface: `eni-${n}`,
        instance: `i-${n}`,
        addresses: [addressOf(n, zones)],
      })),
      tables: [
        { id: "rtb-main", main: true, routes: [] },
        ...zoneNames.slice(0, zones).map((_, z) => ({ id: `rtb-${z}`, subnets: [`subnet-${z}`], routes: [] })),
      ],
      latencyMillis: 5,
    }),
  )

/** The address of the host with this number. */
export const addressOf = (n: number, zones: number): string => {
  const inZone = Math.floor(n / zones)
  return `10.33.${16 * (n % zones) + Math.floor(inZone / 200)}.${10 + (inZone % 200)}`
}

/** Two addresses that carry no routes. */
export const anchors = ["10.99.0.1", "10.99.0.2"]

/** A daemon with so many hosts in so many zones, each of which may carry any of the destinations; and who answers. */
export const stand = (hosts: number, zones: number, more: Partial<DaemonOptions> = {}, destinations = 12) => {
  const addresses = Array.from({ length: hosts }, (_, n) => addressOf(n, zones))
  const dead = new Set<string>()
  let isCut = false
  const spec = Object.fromEntries(Array.from({ length: destinations }, (_, n) => [`10.66.${n}.0/24`, addresses]))
  const layer = daemon({ topology: topology(hosts, zones), network: (host) => !isCut && !dead.has(host), ...more })
  const settled = Effect.gen(function* () {
    yield* pass(200)
    yield* (yield* Specs).accept(spec)
    yield* pass(5_000)
  })
  const replaced = Effect.gen(function* () {
    const { calls } = yield* Simulation
    return (yield* calls).get("ReplaceRoute") ?? 0
  })
  /** The interface that carries each destination, everywhere the same. */
  const carrierOf = Effect.fnUntraced(function* (n: number) {
    const all = new Set(Object.values(yield* carriers(`10.66.${n}.0/24`)))
    return all.size === 1 ? ([...all][0] ?? "none") : `several: ${[...all].join()}`
  })
  const allCarriers = Effect.forEach(Object.keys(spec), (_, n) => carrierOf(n))
  return {
    addresses,
    layer,
    settled,
    replaced,
    allCarriers,
    die: (some: ReadonlyArray<string>) => some.forEach((host) => dead.add(host)),
    live: (some: ReadonlyArray<string>) => some.forEach((host) => dead.delete(host)),
    cut: (is: boolean) => (isCut = is),
    spec,
    inZone: (z: number) => addresses.filter((_, n) => n % zones === z),
  }
}
