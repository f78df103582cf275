import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { Days } from "./Days.ts"
import { Dice } from "./Dice.ts"
import { Disk } from "./Disk.ts"
import { minute } from "./Faults.ts"
import { interfaceIn } from "./Judge.ts"
import { withoutEscape } from "./NoEscape.ts"
import { unsettled } from "./Settled.ts"
import { type Play, simulate } from "./Simulate.ts"
import { Trace } from "./Trace.ts"
import { beginning, VirtualTime } from "./VirtualTime.ts"

/** Five minutes of many faults, and the time to settle. */
const play: Play = { days: 5 / 1440, round: 5 * minute, intensity: 10 }

const failures = (seeds: ReadonlyArray<number>): ReadonlyArray<string> =>
  seeds.flatMap((seed) => {
    const { failure } = simulate(seed, play)
    return failure === undefined ? [] : [`--seed ${seed}: ${failure.promise}: ${failure.words}`]
  })

describe("virtual time", () => {
  it("passes only when nothing is left to be done, and then at once to the next timer", () => {
    const time = new VirtualTime(new Dice("time"))
    const lane = time.lane("one", new Dice("lane"))
    const seen: Array<number> = []
    const note = Effect.map(Clock.currentTimeMillis, (at) => void seen.push(at - beginning))
    lane.fork(Effect.andThen(Effect.andThen(note, Effect.sleep(3_600_000)), note))
    withoutEscape(() => time.run(beginning + 7_200_000, () => undefined))
    assert.deepStrictEqual(seen, [0, 3_600_000])
    assert.strictEqual(time.now, beginning + 7_200_000)
  })

  it("runs what is ready together in an order that comes from the seed", () => {
    const order = (seed: string): string => {
      const time = new VirtualTime(new Dice(seed))
      const lane = time.lane("one", new Dice("lane"))
      const seen: Array<number> = []
      for (let n = 0; n < 8; n++)
        lane.fork(
          Effect.andThen(
            Effect.sleep(10),
            Effect.sync(() => void seen.push(n)),
          ),
        )
      time.run(beginning + 100, () => undefined)
      return seen.join("")
    }
    assert.strictEqual(order("1"), order("1"))
    assert.isAbove(new Set(["1", "2", "3", "4"].map(order)).size, 1)
  })

  it("is left by nobody unnoticed", () => {
    assert.throws(
      () => withoutEscape(() => void setTimeout(() => undefined, 0)),
      "setTimeout was called in virtual time",
    )
    assert.throws(() => withoutEscape(() => void Promise.resolve().then(() => 0)), "then was called in virtual time")
  })

  it("ends for a process that is killed, finalizers and all", () => {
    const time = new VirtualTime(new Dice("kill"))
    const lane = time.lane("one", new Dice("lane"))
    const seen: Array<string> = []
    lane.fork(
      Effect.ensuring(
        Effect.sleep(100),
        Effect.sync(() => void seen.push("finalizer")),
      ),
    )
    time.run(beginning + 50, () => undefined)
    lane.kill()
    time.run(beginning + 1_000, () => undefined)
    assert.deepStrictEqual(seen, [])
  })
})

describe("the disk", () => {
  it("keeps what was synced when the power fails, whatever becomes of the rest", () => {
    const run = <A, E>(effect: Effect.Effect<A, E>): void => {
      const time = new VirtualTime(new Dice("disk"))
      time.lane("one", new Dice("lane")).fork(effect)
      time.run(beginning + 60_000, () => undefined)
    }
    const bytes = new TextEncoder().encode("spec")
    const contents = new Set<string | undefined>()
    for (let n = 0; n < 40; n++) {
      const disk = new Disk(new Dice(`disk ${n}`))
      const { files } = disk
      const write = (path: string, isSynced: boolean) =>
        Effect.scoped(
          Effect.gen(function* () {
            const file = yield* files.open(path, { flag: "w" })
            yield* file.writeAll(bytes)
            if (!isSynced) return
            yield* file.sync
            yield* (yield* files.open("/", { flag: "r" })).sync
          }),
        )
      run(Effect.andThen(write("/a", true), write("/b", false)))
      disk.powerFails()
      assert.strictEqual(disk.text("/a"), "spec")
      contents.add(disk.text("/b"))
    }
    assert.isAbove(contents.size, 2)
  })
})

describe("whether the tables have settled", () => {
  it("is told by what is known of a drain: who surely is drained may not carry, of whom nobody knows may", () => {
    const days = new Days("drains", new Trace(), { hosts: 3, tables: 2, cidrs: 1 })
    const daemon = days.startDaemon()
    const found = withoutEscape(() => {
      const settled = (): ReadonlyArray<string> => {
        let faults: ReadonlyArray<string> = ["no status"]
        daemon.status((status) => (faults = unsettled(days, daemon, status)))
        days.time.run(days.time.now + 1, () => undefined)
        return faults
      }
      days.time.run(days.time.now + 30_000, () => undefined)
      const from = days.time.now
      days.want({ "10.200.0.0/24": days.scene.hosts }, new Dice("all"))
      days.time.run(from + 60_000, () => undefined)
      const before = settled()
      const route = days.cloud.truth.tables
        .values()
        .next()
        .value?.routes.find(({ destination }) => destination === "10.200.0.0/24")
      const carrier = days.scene.hosts.find((host) => days.interfaceOf(host) === interfaceIn(route))
      assert(carrier !== undefined)
      daemon.evidence.drains.set(carrier, { from: Infinity, mayBeFrom: from, until: Infinity })
      const unknown = settled()
      daemon.evidence.drains.set(carrier, { from, mayBeFrom: from, until: Infinity })
      return { before, unknown, sure: settled().length }
    })
    assert.deepStrictEqual(found, { before: [], unknown: [], sure: 2 })
  })
})

describe("whole days", () => {
  it("are the same whenever a seed is played, in this process and in another", () => {
    const calm: Play = { days: 0.003, round: 5 * minute, intensity: 1 }
    const first = simulate(6, calm)
    assert.strictEqual(simulate(6, calm).hash, first.hash)
    assert.notStrictEqual(simulate(7, calm).hash, first.hash)
    // Many faults besides, in this process.
    assert.strictEqual(simulate(8, play).hash, simulate(8, play).hash)
    const main = join(import.meta.dirname, "Main.ts")
    const other = spawnSync(process.execPath, [main, "--seed", "6", "--days", "0.003"], { encoding: "utf8" })
    assert.include(other.stdout, `seed 6: trace ${first.hash}`, other.stderr)
  })

  it("keep every promise, whatever goes wrong in them", () => {
    assert.deepStrictEqual(failures(Array.from({ length: 24 }, (_, n) => 1_000 + n)), [])
  })
})
