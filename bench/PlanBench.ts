import { apply } from "../src/domain/Apply.ts"
import { cidr } from "../src/domain/Cidr.ts"
import { decide } from "../src/domain/Decide.ts"
import { Verdict } from "../src/domain/Health.ts"
import { ip } from "../src/domain/Ip.ts"
import { plan } from "../src/domain/Plan.ts"
import type { RouteSpec } from "../src/domain/RouteSpec.ts"
import type { Vpc } from "../src/domain/Vpc.ts"
import { allCidrs, empty, type World } from "../src/domain/World.ts"
import { WorldEvent } from "../src/domain/WorldEvent.ts"
import { routeTo, uniformVpc } from "../test/support/domain/UniformVpc.ts"
import { type Row, timed } from "./Measure.ts"

const hostAt = (n: number) => ip(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
const rangeAt = (n: number) => cidr(`${100 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.0/24`)
const span = (length: number): ReadonlyArray<number> => Array.from({ length }, (_, n) => n)

/** `hosts` hosts, and `cidrs` destinations with ten hosts each, carried by the first of them in every one of `tables`. */
const scene = (tables: number, cidrs: number, hosts: number): { readonly spec: RouteSpec; readonly vpc: Vpc } => {
  const choices = (n: number) => span(10).map((k) => (n * 10 + k) % hosts)
  return {
    spec: new Map(span(cidrs).map((n) => [rangeAt(n), choices(n).map(hostAt).toSorted()])),
    vpc: uniformVpc({
      cidrs: [cidr("10.0.0.0/8")],
      tables,
      routes: span(cidrs).map((n) => routeTo(rangeAt(n), (n * 10) % hosts)),
      hosts: span(hosts).map(hostAt),
    }),
  }
}

const healthyWorld = ({ spec, vpc }: ReturnType<typeof scene>, hosts: number): World => {
  const verdicts = span(hosts).map((n) => ({ host: hostAt(n), verdict: Verdict.Healthy({ since: 0 }) }))
  const events = [
    WorldEvent.SpecAccepted({ spec, at: 0 }),
    WorldEvent.VpcRead({ vpc, readAt: 0 }),
    WorldEvent.VerdictsReached({ verdicts }),
  ]
  const world = events.reduce((before, event) => apply(before, event)[0], empty())
  return decide(world, allCidrs(world), 10_000).world
}

/** One host of a settled world fails: the event, and the decision for what it touches. */
const oneFailure = (world: World): number => {
  const verdict = Verdict.Failed({ since: 10_000, reason: "bench" })
  const event = WorldEvent.VerdictsReached({ verdicts: [{ host: hostAt(0), verdict }] })
  const [after, dirty] = apply(world, event)
  return decide(after, dirty, 10_001).write.length
}

/** Planning, beside the time that the same tables take through JSON and back. */
export const planRows = (): ReadonlyArray<Row> => {
  const hosts = 10_000
  const large = scene(200, 1_000, hosts)
  const health = new Map(span(hosts).map((n) => [hostAt(n), Verdict.Healthy({ since: 0 })]))
  const wire = [...large.vpc.tables.values()].map(({ id, routes }) => ({ id, routes }))
  const json = { what: "the tables through JSON and back", figure: timed(5, () => JSON.parse(JSON.stringify(wire))) }
  const world = healthyWorld(large, hosts)
  const failures = [1, 10, 100].map((times) => {
    const sized = healthyWorld(scene(2 * times, 1_000, hosts), hosts)
    const cells = oneFailure(sized)
    return { what: `one host fails that carries ${cells} cells`, figure: timed(20, () => oneFailure(sized)) }
  })
  return [
    {
      what: "plan: 200 tables × 1,000 CIDRs, 10,000 hosts",
      figure: timed(7, () => plan(large.spec, health, large.vpc)),
      unit: "ms",
      aim: 100,
      peers: [json],
    },
    {
      what: "the same on the prebuilt index",
      figure: timed(7, () => decide(world, allCidrs(world), 10_000)),
      unit: "ms",
      peers: [json],
    },
    ...failures.map((failure): Row => ({
      ...failure,
      unit: "ms",
      ...(failure.what.endsWith(" 200 cells") ? { aim: 1 } : {}),
    })),
  ]
}
