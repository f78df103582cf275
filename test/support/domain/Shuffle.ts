import fc from "fast-check"
import type { Scene } from "./Scenes.ts"

/** Puts a list into another order. */
export type Shuffle = <A>(list: Iterable<A>) => Array<A>

/** A source of orders: the same number gives the same ones. */
export const shuffleBy = (seed: number): Shuffle => {
  let state = seed >>> 0
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  return (list) => {
    const left = [...list]
    const mixed: typeof left = []
    while (left.length > 0) mixed.push(...left.splice(next(left.length), 1))
    return mixed
  }
}

export const anyShuffle: fc.Arbitrary<Shuffle> = fc.nat().map(shuffleBy)

/** The same scene, with everything that has no order in another order. */
export const shuffled = ({ spec, health, vpc, policy, drained }: Scene, shuffle: Shuffle): Scene => ({
  spec: new Map(shuffle(spec).map(([range, hosts]) => [range, shuffle(hosts)])),
  health: new Map(shuffle(health)),
  drained: new Set(shuffle(drained)),
  policy: { ...policy, own: shuffle(policy.own), ignore: shuffle(policy.ignore) },
  vpc: {
    ...vpc,
    cidrs: shuffle(vpc.cidrs),
    instances: new Map(shuffle(vpc.instances)),
    tables: new Map(shuffle(vpc.tables).map(([id, table]) => [id, { ...table, routes: shuffle(table.routes) }])),
    interfaces: new Map(
      shuffle(vpc.interfaces).map(([id, one]) => [id, { ...one, addresses: shuffle(one.addresses) }]),
    ),
  },
})
