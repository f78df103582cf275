import { execFileSync } from "node:child_process"
import { appendFile, mkdir, open, rename, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, FileSystem, Layer, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import { encodeRouteSpec } from "../../../src/domain/RouteSpec.ts"
import { ConfigSource, type SpecNews } from "../../../src/services/config/ConfigSource.ts"
import * as FileConfig from "../../../src/services/config/FileConfig.ts"
import { FileLook } from "../../../src/services/FileLook.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const specOf = (host: number) => JSON.stringify({ "10.66.17.0/24": [`10.33.20.${host}`] })

/** News as one line: the spec, or what is wrong. */
const inWords = (news: SpecNews): string => {
  switch (news._tag) {
    case "Accepted":
      return JSON.stringify(encodeRouteSpec(news.spec))
    case "Rejected":
      return `rejected: ${news.problems.map(({ path, message }) => `${path}: ${message}`).join("; ")}`
    case "Unreadable":
      return `unreadable: ${news.why}`
  }
}

const run = (body: () => Promise<unknown>) => Effect.promise(body)

/** Subscribes to the file. `next` is the next piece of news; `looks(n)` returns when it was looked at n times more. */
const watch = Effect.fnUntraced(function* (path: string) {
  let count = 0
  const waiting = new Set<{ readonly until: number; readonly done: Deferred.Deferred<void> }>()
  const spied = Effect.map(FileSystem.FileSystem, (files) => ({
    ...files,
    stat: (name: string) =>
      Effect.suspend(() => {
        count++
        for (const one of waiting) if (count >= one.until) Deferred.doneUnsafe(one.done, Effect.void)
        return files.stat(name)
      }),
  }))
  const source = Layer.provide(
    FileConfig.layer(path),
    Layer.provide(Layer.effect(FileSystem.FileSystem, spied), NodeFileSystem.layer),
  )
  const context = yield* Layer.build(source)
  const { news } = yield* Effect.provideContext(ConfigSource, context)
  const heard = yield* Queue.unbounded<string>()
  yield* Effect.forkScoped(Stream.runForEach(news, (one) => Queue.offer(heard, inWords(one))))
  return {
    next: Effect.timeoutOrElse(Queue.take(heard), {
      duration: "10 seconds",
      orElse: () => Effect.die(new Error("no news within 10 s")),
    }),
    looks: (more: number) =>
      Effect.gen(function* () {
        const done = yield* Deferred.make<void>()
        waiting.add({ until: count + more, done })
        yield* Deferred.await(done)
      }),
  }
})

/** Runs the change, and asserts that it is the next news and came within a second. */
const expectWithinASecond = Effect.fnUntraced(function* (
  watched: Effect.Success<ReturnType<typeof watch>>,
  change: () => Promise<unknown>,
  expected: string,
) {
  yield* run(change)
  const started = yield* Clock.currentTimeMillis
  assert.strictEqual(yield* watched.next, expected)
  assert.isBelow((yield* Clock.currentTimeMillis) - started, 10_000)
})

// Nearly all of their time is waiting: they wait together.
describe("FileConfig", { concurrent: true }, () => {
  it.live("tells the spec that is there at the start", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      assert.strictEqual(yield* watched.next, specOf(1))
    }).pipe(Effect.scoped),
  )

  it.live("notices a write in place within a second, also one of the same length", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      yield* expectWithinASecond(watched, () => writeFile(path, specOf(2)), specOf(2))
      yield* expectWithinASecond(watched, () => writeFile(path, specOf(200)), specOf(200))
    }).pipe(Effect.scoped),
  )

  it.live("notices a change that leaves the file's dates and length as they were", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      const change = async () => {
        const file = await open(path, "r+")
        const { atime, mtime } = await file.stat()
        await file.write(specOf(2))
        await file.utimes(atime, mtime)
        await file.close()
      }
      yield* expectWithinASecond(watched, change, specOf(2))
    }).pipe(Effect.scoped),
  )

  it.live("notices an atomic rename within a second, again and again", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      for (const host of [2, 3, 4]) {
        yield* run(() => writeFile(`${path}.new`, specOf(host)))
        yield* expectWithinASecond(watched, () => rename(`${path}.new`, path), specOf(host))
      }
    }).pipe(Effect.scoped),
  )

  it.live("notices the symlink swap of a mounted ConfigMap within a second", () =>
    Effect.gen(function* () {
      // As the kubelet mounts it: spec.json -> ..data/spec.json, ..data -> ..2025_1, and ..data is renamed over.
      const mount = yield* temporaryFolder
      const publish = async (version: number) => {
        await mkdir(join(mount, `..2025_${version}`))
        await writeFile(join(mount, `..2025_${version}`, "spec.json"), specOf(version))
        await symlink(`..2025_${version}`, join(mount, "..data_tmp"))
        await rename(join(mount, "..data_tmp"), join(mount, "..data"))
        await rm(join(mount, `..2025_${version - 1}`), { recursive: true, force: true })
      }
      yield* run(() => publish(1))
      yield* run(() => symlink("..data/spec.json", join(mount, "spec.json")))
      const watched = yield* watch(join(mount, "spec.json"))
      assert.strictEqual(yield* watched.next, specOf(1))
      yield* expectWithinASecond(watched, () => publish(2), specOf(2))
      yield* expectWithinASecond(watched, () => publish(3), specOf(3))
    }).pipe(Effect.scoped),
  )

  it.live("notices when the whole directory is replaced", () =>
    Effect.gen(function* () {
      const parent = yield* temporaryFolder
      const make = async (name: string, host: number) => {
        await mkdir(join(parent, name))
        await writeFile(join(parent, name, "spec.json"), specOf(host))
      }
      yield* run(() => make("config", 1))
      const watched = yield* watch(join(parent, "config", "spec.json"))
      yield* watched.next
      yield* run(() => make("config.new", 2))
      yield* run(() => rename(join(parent, "config"), join(parent, "config.old")))
      yield* expectWithinASecond(watched, () => rename(join(parent, "config.new"), join(parent, "config")), specOf(2))
    }).pipe(Effect.scoped),
  )

  it.live("makes one piece of news of a burst of 50 writes: the last", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      for (let host = 101; host <= 150; host++) yield* run(() => writeFile(path, specOf(host)))
      assert.strictEqual(yield* watched.next, specOf(150))
      yield* expectWithinASecond(watched, () => writeFile(path, specOf(2)), specOf(2))
    }).pipe(Effect.scoped),
  )

  it.live("says nothing when the same content is written again, in whatever way", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      yield* run(() => writeFile(path, specOf(1)))
      yield* watched.looks(3)
      yield* run(() => writeFile(`${path}.new`, specOf(1)))
      yield* run(() => rename(`${path}.new`, path))
      yield* watched.looks(3)
      yield* run(() => writeFile(path, specOf(2)))
      assert.strictEqual(yield* watched.next, specOf(2))
    }).pipe(Effect.scoped),
  )

  it.live("does not take what a writer has only half written, and says so once", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      const text = specOf(2)
      yield* run(() => writeFile(path, text.slice(0, 20)))
      assert.match(
        yield* watched.next,
        /^rejected: \$\["10\.66\.17\.0\/24"\]\[0\]: line 1, column 21: not JSON: the string/,
      )
      yield* watched.looks(4)
      yield* expectWithinASecond(watched, () => appendFile(path, text.slice(20)), text)
    }).pipe(Effect.scoped),
  )

  it.live("tells an empty, a malformed, a binary and a huge file as what they are, and the good one after each", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      const cases: ReadonlyArray<readonly [content: string | Uint8Array, words: RegExp]> = [
        ["", /the text is empty/],
        ["{}}", /not JSON/],
        [
          '{"10.66.17.0/24": "10.33.20.1", "x": []}',
          /did you mean \["10\.33\.20\.1"\].*\$\["x"\]: expected a destination/,
        ],
        [Buffer.from(specOf(1), "utf16le"), /not JSON/],
        [
          Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(specOf(1), "utf16le")]),
          /expected UTF-8 text, got UTF-16/,
        ],
        [Buffer.from([0x7b, 0xc3, 0x28, 0x7d]), /expected UTF-8 text/],
        [" ".repeat(1024 * 1024 + 1), /expected at most 1048576 bytes/],
      ]
      for (const [content, words] of cases) {
        yield* run(() => writeFile(path, content))
        const news = yield* watched.next
        assert.match(news, words)
        assert.match(news, /^rejected: \$/)
        yield* run(() => writeFile(path, specOf(1)))
        assert.strictEqual(yield* watched.next, specOf(1))
      }
    }).pipe(Effect.scoped),
  )

  it.live("reads a file of exactly 1 MiB, and one with a byte order mark", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1).padEnd(1024 * 1024, "\n")))
      const watched = yield* watch(path)
      assert.strictEqual(yield* watched.next, specOf(1))
      yield* run(() => writeFile(path, `\ufeff${specOf(2)}`))
      assert.strictEqual(yield* watched.next, specOf(2))
    }).pipe(Effect.scoped),
  )

  it.live("waits for a file that is not there yet, not even its directory", () =>
    Effect.gen(function* () {
      const parent = yield* temporaryFolder
      const path = join(parent, "later", "spec.json")
      const watched = yield* watch(path)
      assert.strictEqual(yield* watched.next, `unreadable: ${path}: no such file`)
      yield* run(() => mkdir(join(parent, "later")))
      yield* expectWithinASecond(watched, () => writeFile(path, specOf(1)), specOf(1))
    }).pipe(Effect.scoped),
  )

  it.live("says once that the file was deleted, and takes it when it is back, changed or not", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      for (const host of [1, 2]) {
        yield* expectWithinASecond(watched, () => rm(path), `unreadable: ${path}: no such file`)
        yield* watched.looks(4)
        yield* expectWithinASecond(watched, () => writeFile(path, specOf(host)), specOf(host))
      }
    }).pipe(Effect.scoped),
  )

  it.live("passes over a gap between two looks, as editors leave it when they save", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => writeFile(path, specOf(1)))
      const watched = yield* watch(path)
      yield* watched.next
      yield* watched.looks(1)
      yield* run(() => rm(path))
      yield* run(() => writeFile(path, specOf(2)))
      assert.strictEqual(yield* watched.next, specOf(2))
    }).pipe(Effect.scoped),
  )

  it.live("does not open a FIFO, a directory or a device that stands in place of the file", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "spec.json")
      yield* run(() => mkdir(path))
      const watched = yield* watch(path)
      assert.strictEqual(yield* watched.next, `unreadable: ${path}: this is a directory, not a file`)
      yield* run(() => rm(path, { recursive: true }))
      execFileSync("mkfifo", [path])
      assert.strictEqual(yield* watched.next, `unreadable: ${path}: this is a FIFO, not a file`)
      yield* watched.looks(3)
      yield* run(() => rm(path))
      yield* run(() => symlink("/dev/zero", path))
      assert.strictEqual(yield* watched.next, `unreadable: ${path}: this is a character device, not a file`)
      yield* run(() => rm(path))
      yield* run(() => symlink("/proc/kmsg", path))
      assert.match(
        yield* watched.next,
        /^unreadable: .*: (there is nothing in it to read|permission denied|not permitted)/,
      )
      yield* run(() => rm(path))
      yield* run(() => symlink(path, path))
      assert.strictEqual(yield* watched.next, `unreadable: ${path}: its symbolic links lead in a circle`)
      yield* run(() => rm(path))
      yield* run(() => writeFile(path, specOf(1)))
      assert.strictEqual(yield* watched.next, specOf(1))
    }).pipe(Effect.scoped),
  )
})

/** A file whose content, and whose file system's patience, the test decides; and how it was asked for. */
const scripted = (
  content: () => string,
  gate: () => Effect.Effect<void> = () => Effect.void,
  answers: Effect.Effect<boolean> = Effect.succeed(false),
) => {
  const asked = { times: 0, pending: 0, mostPending: 0 }
  const look = Effect.suspend(() => {
    asked.times++
    asked.mostPending = Math.max(asked.mostPending, ++asked.pending)
    return Effect.map(gate(), () => FileLook.Content({ bytes: Buffer.from(content()) }))
  }).pipe(Effect.ensuring(Effect.sync(() => asked.pending--)))
  const layer = Layer.provide(FileConfig.layer("spec.json", { look, answers }), NodeFileSystem.layer)
  return { layer, asked }
}

const hear = Effect.gen(function* () {
  const { news } = yield* ConfigSource
  const heard: Array<string> = []
  yield* Effect.forkScoped(Stream.runForEach(news, (one) => Effect.sync(() => heard.push(inWords(one)))))
  return heard
})

describe("FileConfig, on a file system that misbehaves", () => {
  it.effect("does not take an empty spec that a writer only passed through", () => {
    const shown = [specOf(1), specOf(1), "{}", specOf(2)]
    const { layer } = scripted(() => shown.shift() ?? specOf(2))
    return Effect.gen(function* () {
      const heard = yield* hear
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(heard, [specOf(1), specOf(2)])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("says that a file does not stand still, and takes it once it does", () => {
    let still = false
    let host = 0
    const { layer } = scripted(() => specOf(still ? 7 : ++host % 250))
    return Effect.gen(function* () {
      const heard = yield* hear
      yield* TestClock.adjust("4900 millis")
      assert.deepStrictEqual(heard, [])
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(heard, ["unreadable: spec.json: it has not stood still for 5s"])
      still = true
      yield* TestClock.adjust("400 millis")
      assert.deepStrictEqual(heard.slice(1), [specOf(7)])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect(
    "says that a file system hangs, and for how long, with one request outstanding and no more, and goes on when it answers",
    () =>
      Effect.gen(function* () {
        const open = yield* Deferred.make<void>()
        const { layer, asked } = scripted(
          () => specOf(1),
          () => Deferred.await(open),
        )
        yield* Effect.gen(function* () {
          const heard = yield* hear
          yield* TestClock.adjust("6 seconds")
          const words = (time: string) =>
            `unreadable: spec.json: reading it has taken over ${time}: its file system does not answer`
          assert.deepStrictEqual(heard, [words("5s")])
          yield* TestClock.adjust("11 minutes")
          assert.deepStrictEqual(heard, [words("5s"), words("5m"), words("10m")])
          assert.strictEqual(asked.mostPending, 1)
          yield* Deferred.succeed(open, undefined)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(heard.slice(3), [specOf(1)])
        }).pipe(Effect.scoped, Effect.provide(layer))
      }),
  )

  it.effect(
    "takes the spec once the path leads to a file that answers, though the first reading hangs for ever",
    () => {
      let isDead = true
      let answers = false
      const { layer, asked } = scripted(
        () => specOf(2),
        () => (isDead ? Effect.never : Effect.void),
        Effect.sync(() => answers),
      )
      return Effect.gen(function* () {
        const heard = yield* hear
        yield* TestClock.adjust("1 minute")
        assert.lengthOf(heard, 1)
        answers = true
        isDead = false
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual(heard.slice(1), [specOf(2)])
        // It is looked at as often as ever.
        const before = asked.times
        yield* TestClock.adjust("2 seconds")
        assert.isAtLeast(asked.times - before, 9)
      }).pipe(Effect.scoped, Effect.provide(layer))
    },
  )

  it.effect("has two readings hang and no more, whatever is said of the file, and says that it waits", () => {
    const { layer, asked } = scripted(
      () => specOf(1),
      () => Effect.never,
      Effect.succeed(true),
    )
    return Effect.gen(function* () {
      const heard = yield* hear
      yield* TestClock.adjust("4 minutes")
      assert.deepStrictEqual([asked.times, asked.pending], [2, 2])
      assert.match(heard.at(-1) ?? "", /it is not read again until one of these readings ends$/)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(asked.times, 2)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("looks five times a second, and not at all once nobody listens", () => {
    const { layer, asked } = scripted(() => specOf(1))
    return Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* hear
          yield* TestClock.adjust("10 seconds")
          assert.isAtLeast(asked.times, 49)
          assert.isAtMost(asked.times, 51)
        }),
      )
      const before = asked.times
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(asked.times, before)
      assert.strictEqual(asked.pending, 0)
    }).pipe(Effect.provide(layer))
  })
})
