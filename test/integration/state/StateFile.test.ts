import { lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger } from "effect"
import { cidr } from "../../../src/domain/Cidr.ts"
import type { Durable } from "../../../src/domain/Durable.ts"
import { VpcId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import * as StateFile from "../../../src/services/state/StateFile.ts"
import { StateStore } from "../../../src/services/state/StateStore.ts"
import { encodeState } from "../../../src/services/state/StateText.ts"
import { withFolder } from "../../support/TemporaryFolder.ts"

const state: Durable = {
  spec: new Map([[cidr("10.66.17.0/24"), [ip("10.33.20.93")]]]),
  named: new Set([cidr("10.66.17.0/24")]),
  drained: new Set([ip("10.33.20.93")]),
  confirmed: [],
  letGo: new Map(),
  brake: undefined,
  hour: [],
}

const start = (file: string, vpc = "vpc-1") =>
  StateFile.layer(file, VpcId(vpc)).pipe(Layer.provide(NodeFileSystem.layer))

const textOf = (state: Durable, vpc: string | undefined = "vpc-1"): string => encodeState({ vpc, state })

const restored = (file: string, vpc = "vpc-1") =>
  Effect.map(StateStore, (store) => store.restored).pipe(Effect.provide(start(file, vpc), { local: true }))

describe("a state file", () => {
  it.live("gives the next start what was kept, and leaves nothing else behind", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "state.json")
        assert.isUndefined(yield* restored(file))
        yield* Effect.flatMap(StateStore, ({ keep }) => keep(state)).pipe(Effect.provide(start(file), { local: true }))
        const found = yield* restored(file)
        assert.strictEqual(found === undefined ? "" : textOf(found), textOf(state))
        assert.deepStrictEqual(readdirSync(folder), ["state.json"])
      }),
    ),
  )

  for (const text of ["", "{", "null", '{"version": 2}', "\u0000\u0001", textOf(state).slice(0, -1)])
    it.live(`that holds ${JSON.stringify(text.slice(0, 20))} is put aside and stops no start`, () =>
      withFolder((folder) =>
        Effect.gen(function* () {
          const file = join(folder, "state.json")
          writeFileSync(file, text)
          assert.isUndefined(yield* restored(file))
          assert.deepStrictEqual(readdirSync(folder), ["state.json.corrupt"])
          assert.strictEqual(readFileSync(`${file}.corrupt`, "utf8"), text)
        }),
      ),
    )

  it.live("whose drafts were left by crashes is read as it was before; they go once nobody can be writing them", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "state.json")
        writeFileSync(file, textOf(state))
        const old = Date.now() / 1_000 - 600
        for (const name of ["state.json.new", "state.json.0123456789ab.new", "state.json.0123456789ac.new"])
          writeFileSync(join(folder, name), textOf(state).slice(0, 10))
        for (const name of ["state.json.new", "state.json.0123456789ab.new"]) utimesSync(join(folder, name), old, old)
        const foreign = ["notes.new", "other.json.0123456789ab.new", "state.json.mine.new"]
        for (const name of foreign) {
          writeFileSync(join(folder, name), "")
          utimesSync(join(folder, name), old, old)
        }
        assert.isDefined(yield* restored(file))
        assert.deepStrictEqual(
          readdirSync(folder).toSorted(),
          [...foreign, "state.json", "state.json.0123456789ac.new"].toSorted(),
        )
      }),
    ),
  )

  it.live("that two daemons have been given: both keep theirs, and the log says that they share it", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "state.json")
        const said: Array<unknown> = []
        const logger = Logger.make(({ message }) => void said.push(message))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const one = Context.get(yield* Layer.build(Layer.fresh(start(file))), StateStore)
            const other = Context.get(yield* Layer.build(Layer.fresh(start(file))), StateStore)
            yield* one.keep(state)
            yield* one.keep(state)
            assert.deepStrictEqual(said, [])
            yield* Effect.all(
              Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? one : other).keep(state)),
              { concurrency: "unbounded" },
            )
          }),
        ).pipe(Effect.provide(Logger.layer([logger])))
        assert.include(String(said[0]), `${file} was changed by somebody else`)
        assert.isAtMost(said.length, 2)
        assert.deepStrictEqual(readdirSync(folder), ["state.json"])
      }),
    ),
  )

  it.live("of another VPC refuses the start in one line, and stays as it is", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "state.json")
        writeFileSync(file, textOf(state, "vpc-other"))
        const { why } = yield* Effect.flip(restored(file))
        assert.strictEqual(
          why,
          `${file} is the state of vpc-other, and this daemon is for vpc-1: name another file, or remove this one`,
        )
        assert.deepStrictEqual(readdirSync(folder), ["state.json"])
        assert.strictEqual(readFileSync(file, "utf8"), textOf(state, "vpc-other"))
      }),
    ),
  )

  it.live("of a version that did not say whose it is belongs to whoever keeps it first", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "state.json")
        writeFileSync(file, encodeState({ vpc: undefined, state }))
        assert.isDefined(yield* restored(file))
        yield* Effect.flatMap(StateStore, ({ keep }) => keep(state)).pipe(Effect.provide(start(file), { local: true }))
        assert.strictEqual(readFileSync(file, "utf8"), textOf(state))
        assert.include((yield* Effect.flip(restored(file, "vpc-2"))).why, "vpc-1")
      }),
    ),
  )

  it.live("that cannot be written leaves no draft behind", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "state.json")
        const { keep } = yield* StateStore.pipe(Effect.provide(start(file), { local: true }))
        // What a rename cannot replace.
        mkdirSync(join(file, "full"), { recursive: true })
        assert.include((yield* Effect.flip(keep(state))).why, file)
        assert.deepStrictEqual(readdirSync(folder), ["state.json"])
      }),
    ),
  )

  for (const isThere of [true, false])
    it.live(
      `behind symbolic links ${isThere ? "" : "that lead to nothing yet "}is kept where they lead, and they stay`,
      () =>
        withFolder((folder) =>
          Effect.gen(function* () {
            const disk = join(folder, "disk")
            mkdirSync(disk)
            if (isThere) writeFileSync(join(disk, "state.json"), textOf({ ...state, drained: new Set() }))
            symlinkSync(join("disk", "state.json"), join(folder, "near.json"))
            const file = join(folder, "state.json")
            symlinkSync(join(folder, "near.json"), file)
            assert.strictEqual((yield* restored(file)) !== undefined, isThere)
            yield* Effect.flatMap(StateStore, ({ keep }) => keep(state)).pipe(
              Effect.provide(start(file), { local: true }),
            )
            assert.isTrue(lstatSync(file).isSymbolicLink())
            assert.deepStrictEqual(readdirSync(disk), ["state.json"])
            assert.strictEqual(readFileSync(join(disk, "state.json"), "utf8"), textOf(state))
            assert.deepStrictEqual(readdirSync(folder).toSorted(), ["disk", "near.json", "state.json"])
          }),
        ),
    )

  it.live("behind a symbolic link to itself refuses the start, naming the file", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "state.json")
        symlinkSync(file, file)
        assert.include((yield* Effect.flip(restored(file))).why, file)
        assert.isTrue(lstatSync(file).isSymbolicLink())
      }),
    ),
  )

  it.live("in a folder that is not there refuses the start, naming the file", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "missing", "state.json")
        const error = yield* Effect.flip(restored(file))
        assert.include(error.why, file)
      }),
    ),
  )
})
