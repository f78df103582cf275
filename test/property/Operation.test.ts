import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Action, cellKey } from "../../src/domain/Action.ts"
import * as ByCell from "../../src/domain/ByCell.ts"
import type { Cidr } from "../../src/domain/Cidr.ts"
import { heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { deletionKey } from "../../src/domain/DeletionBrake.ts"
import { Verdict } from "../../src/domain/Health.ts"
import type { Held } from "../../src/domain/Hold.ts"
import type { Ip } from "../../src/domain/Ip.ts"
import { hostsOf } from "../../src/domain/RouteSpec.ts"
import { type RouteTable, RouteTarget } from "../../src/domain/Vpc.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { covers } from "../support/domain/Bits.ts"
import { Daemon, type Fate, staleness } from "../support/domain/Daemon.ts"
import { decidedAnew, decidedFor, decisionsOf, show, showScene } from "../support/domain/Deciding.ts"
import { permitted } from "../support/domain/Oracle.ts"
import { anyDestination, destinations, hosts, instanceIds, interfaceIds, tableIds } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene, anySpec, anyVerdict } from "../support/domain/Scenes.ts"

/** What must be remembered to check what is sent. */
interface Ledger {
  /** Everything that a spec ever named. */
  readonly named: Set<Cidr>
  /** Deletions that the operator confirmed since the last spec. */
  readonly confirmed: Set<string>
}

type Step = fc.Command<Ledger, Daemon>

const isEmptySpec = (daemon: Daemon): boolean => daemon.world.spec?.size === 0

/** What must be true of a write at the moment when it goes out. */
const checkSent = (action: Action, daemon: Daemon, ledger: Ledger): void => {
  const { world, scene } = daemon
  const key = cellKey(action)
  const listed = world.spec?.get(action.cidr)
  const words = JSON.stringify(action)
  if (action._tag === "DeleteRoute") {
    assert.isTrue(listed === undefined || listed.length === 0, `deletes what has hosts: ${words}`)
    const { vpc } = daemon.lastReading!
    const isProtected = action.cidr.endsWith("/0") || vpc.cidrs.some((range) => covers(range, action.cidr))
    const isAllowed = ledger.named.has(action.cidr) || scene.policy.own.some((range) => covers(range, action.cidr))
    assert.isTrue(!isProtected || isAllowed, `deletes what is protected: ${words}`)
    if (isEmptySpec(daemon)) assert.isTrue(ledger.confirmed.has(deletionKey(action)), `unconfirmed: ${words}`)
  } else {
    assert.include([...(listed ?? [])], action.host, `to a host that is not listed: ${words}`)
    const verdict = [...world.health].find(([host]) => host === action.host)?.[1]
    assert.strictEqual(verdict?._tag, "Healthy", `to an unproven host: ${words}`)
    assert.isFalse(world.drained.has(action.host), `to a drained host: ${words}`)
    const target = daemon.lastReading?.vpc.interfaces.get(action.interfaceId)
    assert.include([...(target?.addresses ?? [])], action.host, `to an interface without the address: ${words}`)
  }
  assert.isFalse(daemon.lastReading?.vpc.tables.get(action.table)?.edge, `in an edge table: ${words}`)
  assert.isFalse(
    scene.policy.ignore.some((range) => covers(range, action.cidr)),
    `in --ignore-routes: ${words}`,
  )
  // Whatever the last reading showed as somebody else's, and has been so since, is not written over.
  const foreignSince = daemon.foreignSince.get(key) ?? Infinity
  const { shows, readAt } = daemon.lastReading!
  const couldKnow = foreignSince <= shows && readAt > (daemon.doneAt.get(key) ?? -Infinity)
  assert.isFalse(couldKnow, `not ours: ${words}`)
}

/** What must be true at any moment. */
const checkAlways = (daemon: Daemon): void => {
  const { world, now, nextAt, queue, flights } = daemon
  const anew = decidedAnew(world, now)
  assert.deepStrictEqual(decisionsOf(world), decisionsOf(anew), "bit by bit, as if planned in full")
  assert.deepStrictEqual(heldOf(world), heldOf(anew), "held bit by bit, as if planned in full")
  if (nextAt !== undefined) assert.isAbove(nextAt, now, "the next look lies ahead")
  const pending = pendingOf(world).map(cellKey)
  for (const key of queue.keys()) assert.include(pending, key, "what is queued is wanted")
  for (const key of pending) assert.isTrue(queue.has(key) || flights.has(key), "what is wanted is queued or under way")
  assert.isAtMost([...world.writes].length + [...world.obstacles].length, 100, "memory")
}

/** A command: does something, and then everything must still be true. */
const step = (name: string, run: (daemon: Daemon, ledger: Ledger) => void): Step => ({
  check: () => true,
  run: (ledger, daemon) => {
    daemon.tick(1)
    run(daemon, ledger)
    checkAlways(daemon)
  },
  toString: () => name,
})

const sendAll = (daemon: Daemon, ledger: Ledger, fate: Fate, most: number): void => {
  for (let n = 0; n < most; n++) {
    const action = daemon.send(fate)
    if (action === undefined) return
    checkSent(action, daemon, ledger)
  }
}

const anySpecStep = anySpec.map((spec) =>
  step(`spec ${JSON.stringify([...spec])}`, (daemon, ledger) => {
    for (const range of spec.keys()) ledger.named.add(range)
    const before = daemon.world.spec
    daemon.take(WorldEvent.SpecAccepted({ spec, at: daemon.now }))
    if (daemon.world.spec !== before) ledger.confirmed.clear()
  }),
)

const anyVerdictStep = fc
  .tuple(fc.constantFrom(...hosts), anyVerdict)
  .map(([host, verdict]) =>
    step(`${host} is ${verdict._tag}`, (daemon) =>
      daemon.take(WorldEvent.VerdictsReached({ verdicts: [{ host, verdict: { ...verdict, since: daemon.now } }] })),
    ),
  )

const anyDrift = fc
  .tuple(
    fc.constantFrom(...tableIds),
    anyDestination,
    fc.oneof(
      fc.constantFrom(...interfaceIds).map((interfaceId) => RouteTarget.Interface({ interfaceId })),
      fc.constantFrom(...interfaceIds).map((interfaceId) => RouteTarget.Interface({ interfaceId })),
      fc.constant(RouteTarget.Other({ kind: "GatewayId", id: "igw-1" })),
      fc.constant(undefined),
    ),
  )
  .map(([table, destination, target]) =>
    step(`by hand: ${destination} in ${table} to ${JSON.stringify(target)}`, (daemon) =>
      daemon.change((ec2) => {
        if (target === undefined) ec2.drop(table, destination)
        else ec2.put(table, destination, target)
      }),
    ),
  )

const anyInfrastructure = fc
  .tuple(fc.constantFrom("detach", "attach", "delete", "move", "stop", "start", "terminate"), fc.nat(6), fc.nat(8))
  .map(([what, index, other]) =>
    step(`${what} ${index} ${other}`, (daemon) =>
      daemon.change((ec2) => {
        const id = interfaceIds[index]!
        const instanceId = instanceIds[index]!
        switch (what) {
          case "detach":
            return ec2.changeInterface(id, { instanceId: undefined })
          case "attach":
            return ec2.changeInterface(id, { instanceId })
          case "delete":
            return ec2.changeInterface(id, undefined)
          case "move": {
            const host = hosts[other]!
            for (const [one, { addresses }] of ec2.interfaces)
              ec2.changeInterface(one, { addresses: addresses.filter((address) => address !== host) })
            return ec2.changeInterface(id, { addresses: [...(ec2.interfaces.get(id)?.addresses ?? []), host] })
          }
          case "stop":
            return void ec2.instances.set(instanceId, "stopped")
          case "start":
            return void ec2.instances.set(instanceId, "running")
          case "terminate":
            return void ec2.instances.set(instanceId, "terminated")
        }
      }),
    ),
  )

const anyDrainStep = fc
  .tuple(fc.constantFrom(...hosts), fc.boolean())
  .map(([host, isDrained]) =>
    step(`${isDrained ? "drain" : "undrain"} ${host}`, (daemon) =>
      daemon.take(isDrained ? WorldEvent.HostDrained({ host }) : WorldEvent.HostUndrained({ host })),
    ),
  )

const confirmation = fc.boolean().map((right) =>
  step(right ? "confirm" : "confirm something else", (daemon, ledger) => {
    const { brake } = daemon.world
    if (right) for (const deletion of brake?.deletions ?? []) ledger.confirmed.add(deletionKey(deletion))
    daemon.take(WorldEvent.DeletionsConfirmed({ hash: right ? (brake?.hash ?? "") : "0123456789abcdef" }))
  }),
)

const anyLag = fc.constantFrom(0, 0, 0, 500, 3_000, staleness)

const anyReading = fc.tuple(anyLag, anyLag, fc.boolean()).map(([tables, interfaces, isLate]) =>
  step(`ask for a reading, ${tables} and ${interfaces} ms old${isLate ? ", late" : ""}`, (daemon) => {
    daemon.ask(tables, interfaces)
    if (!isLate) while (daemon.readings.length > 0) daemon.receive()
  }),
)

const fates: ReadonlyArray<Fate> = [
  "done",
  "done",
  "done",
  "done at once, answered late",
  "lost",
  "done, answer lost",
  "done later, answer lost",
  "throttled",
]

const anySending = fc
  .tuple(fc.constantFrom(...fates), fc.integer({ min: 1, max: 8 }))
  .map(([fate, most]) => step(`send ${most}: ${fate}`, (daemon, ledger) => sendAll(daemon, ledger, fate, most)))

const anyLanding = fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 8 })).map(([choice, count]) =>
  step(`land ${count}`, (daemon) => {
    for (let n = 0; n < count; n++) daemon.land(choice)
  }),
)

const anyTick = fc
  .oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 2_000, max: 45_000 }), fc.constant(400_000))
  .map((millis) => step(`${millis} ms pass`, (daemon) => daemon.tick(millis)))

const haunting = fc.constant(step("a write that was given up is done", (daemon) => daemon.haunt()))

const often = (weight: number, arbitrary: fc.Arbitrary<Step>): ReadonlyArray<fc.Arbitrary<Step>> =>
  Array.from({ length: weight }, () => arbitrary)

const anyCommands = (most: number) =>
  fc.commands<Ledger, Daemon>(
    [
      ...often(1, anySpecStep),
      ...often(5, anyVerdictStep),
      ...often(3, anyDrift),
      ...often(2, anyInfrastructure),
      ...often(1, anyDrainStep),
      ...often(1, confirmation),
      ...often(5, anyReading),
      ...often(6, anySending),
      ...often(6, anyLanding),
      ...often(4, anyTick),
      ...often(1, haunting),
    ],
    { maxCommands: most, size: "max" },
  )

/** Faults stop: what is under way ends well, every host answers, readings are fresh and writes succeed. */
const calm = (daemon: Daemon, ledger: Ledger): number => {
  const ask = (): void => {
    daemon.ask(0, 0)
    while (daemon.readings.length > 0) daemon.receive()
  }
  while (daemon.flights.size > 0) daemon.land(0)
  while (daemon.ghosts.length > 0) daemon.haunt()
  const listed = [...hostsOf(daemon.world.spec ?? new Map())]
  const since = daemon.now
  daemon.take(
    WorldEvent.VerdictsReached({ verdicts: listed.map((host) => ({ host, verdict: Verdict.Healthy({ since }) })) }),
  )
  let quiet = 0
  for (let round = 1; round <= 150; round++) {
    daemon.tick(30_000)
    ask()
    checkAlways(daemon)
    sendAll(daemon, ledger, "done", 100)
    const sent = daemon.flights.size
    while (daemon.flights.size > 0) daemon.land(0)
    // Two rounds without a write or a hold that ends by itself: nothing more will happen.
    quiet = sent === 0 && daemon.nextAt === undefined ? quiet + 1 : 0
    if (quiet === 2) return round
  }
  return Infinity
}

const isIn = (held: ReadonlyArray<Held>, table: RouteTable, range: string): Held | undefined =>
  held.find((hold) => hold.cidr === range && (hold.table ?? table.id) === table.id)

const leadsToHealthy = (daemon: Daemon, table: RouteTable, range: Cidr): string | undefined => {
  const { spec, drained } = daemon.world
  const route = table.routes.find(({ destination }) => destination === range)
  if (route?.state !== "active" || route.target._tag === "Other") return undefined
  const { interfaceId, instanceId } = { interfaceId: undefined, ...route.target }
  const vpc = daemon.ec2.read()
  const ends = [...vpc.interfaces.values()].filter((one) =>
    interfaceId === undefined ? one.instanceId === instanceId : one.id === interfaceId,
  )
  const isListed = (host: Ip): boolean => spec?.get(range)?.includes(host) === true && !drained.has(host)
  return ends.find(({ addresses }) => addresses.some(isListed))?.id
}

/** What bears on a destination, for a failure's message. */
const shown = ({ world, ec2, scene: { policy } }: Daemon, range: Cidr): string =>
  `${showScene(
    { spec: world.spec ?? new Map(), health: new Map(world.health), vpc: ec2.read(), policy, drained: world.drained },
    range,
  )}\n${JSON.stringify([...(ByCell.row(world.writes, range) ?? [])])}`

/** When nothing happens any more, every cell is right, or held for a reason that lasts. */
const checkSettled = (daemon: Daemon): void => {
  const held = heldOf(daemon.world)
  const inScope = new Set(daemon.world.reading?.index.tables)
  const lasting = new Set([
    "Blackhole",
    "Conflict",
    "DefaultRoute",
    "DeletionBrake",
    "HealthUnknown",
    "Ignored",
    "NoHealthyHost",
    "NotOwned",
    "Protected",
    "Unproven",
  ])
  for (const hold of held) assert.isTrue(lasting.has(hold.reason._tag), `still held: ${JSON.stringify(hold)}`)
  for (const table of daemon.ec2.read().tables.values()) {
    if (!inScope.has(table.id)) continue
    for (const [range, list] of daemon.world.spec ?? []) {
      if (list.length === 0 || isIn(held, table, range) !== undefined) continue
      assert.isDefined(
        leadsToHealthy(daemon, table, range),
        `${range} in ${table.id} is neither right nor held\n${shown(daemon, range)}`,
      )
    }
    for (const { destination } of table.routes) {
      const list = daemon.world.spec?.get(destination) ?? []
      const isOurs = !daemon.foreignSince.has(cellKey({ table: table.id, cidr: destination }))
      const isStatic = table.routes.some(
        (route) => route.destination === destination && route.origin !== "EnableVgwRoutePropagation",
      )
      const { own, ignore } = daemon.scene.policy
      const isOut =
        ignore.some((range) => covers(range, destination)) ||
        (own.length > 0 && !own.some((range) => covers(range, destination)))
      if (list.length > 0 || !isOurs || !isStatic || isOut) continue
      assert.isDefined(
        isIn(held, table, destination),
        `${destination} in ${table.id} is neither deleted nor held\n${shown(daemon, destination)}`,
      )
    }
  }
}

/** An hour later all that happened is forgotten, and what is decided is what the oracle says of the present. */
const checkAsIfNew = (daemon: Daemon): void => {
  for (let minutes = 0; minutes < 75; minutes += 5) {
    daemon.tick(300_000)
    daemon.ask(0, 0)
    daemon.receive()
  }
  const { world } = daemon
  assert.strictEqual([...world.writes].length + [...world.obstacles].length, 0, "something is not forgotten")
  const spec = world.spec ?? new Map<Cidr, ReadonlyArray<Ip>>()
  const health = new Map(world.health)
  const scene = { spec, health, vpc: daemon.ec2.read(), policy: daemon.scene.policy, drained: world.drained }
  for (const destination of new Set([...spec.keys(), ...destinations])) {
    const isWhole = (spec.get(destination) ?? []).every((host) => world.reading?.index.interfaceOf.has(host))
    // Of a host that is missing, and of what specs named before, a new daemon would know less.
    if (!isWhole || (world.named.has(destination) && !spec.has(destination))) continue
    const expected = permitted(scene, destination).map(show)
    assert.include(expected, show(decidedFor(world, destination)), shown(daemon, destination))
  }
}

describe("a daemon in operation, among failing hosts, other people's hands, stale readings and lost answers", () => {
  it("keeps its promises at every step, and settles within an hour when the faults stop", () => {
    fc.assert(
      fc.property(anyScene, fc.boolean(), anyCommands(80), (drawn, isWell, commands) => {
        const well = new Map(hosts.map((host) => [host, Verdict.Healthy({ since: 0 })]))
        const scene = isWell ? { ...drawn, health: well } : drawn
        const daemon = new Daemon(scene, 500)
        const ledger: Ledger = { named: new Set(scene.spec.keys()), confirmed: new Set() }
        fc.modelRun(
          () => ({ model: ledger, real: daemon }),
          [
            step("begin", () => {
              daemon.ask(0, 0)
              daemon.receive()
              const verdicts = [...scene.health].map(([host, verdict]) => ({ host, verdict }))
              daemon.take(WorldEvent.VerdictsReached({ verdicts }))
            }),
            ...commands,
          ],
        )
        assert.isAtMost(calm(daemon, ledger), 130)
        checkSettled(daemon)
        checkAsIfNew(daemon)
      }),
      runs(250),
    )
  })
})
