import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { get, type Running, start } from "../cli/Running.ts"
import { folderOf, statusUntil, within, writesOf } from "./Folder.ts"

/** Behaves until there is a file named `go` in its folder; then it does what `--misdeed` says. */
const whenTold = `
import { existsSync } from "node:fs"
import { EventEmitter } from "node:events"
import { Deferred, Effect, Layer, Option, Stream } from "effect"
import { configPlugin, ConfigSource, healthPlugin, HealthSource, ip, SourceState, specNews, Verdict } from "vpc-router/plugin"

const told = Effect.promise((signal) => new Promise((resolve) => {
  const timer = setInterval(() => {
    if (!existsSync("go")) return
    clearInterval(timer)
    resolve()
  }, 20)
  signal.addEventListener("abort", () => clearInterval(timer))
}))
// Only the first time: what comes after a fresh start is decent.
let isOld = false
const once = (misdeed) => Stream.unwrap(Effect.map(told, () => {
  if (isOld) return Stream.never
  isOld = true
  return misdeed
}))
const later = (act) => Stream.suspend(() => {
  setTimeout(act, 1)
  return Stream.never
})
const anywhere = {
  error: later(() => { throw new Error("thrown in a timer") }),
  text: later(() => { throw "thrown in a timer" }),
  event: later(() => new EventEmitter().emit("error", new Error("an event that nobody heard"))),
  rejection: later(() => void Promise.reject(new Error("a promise that nobody awaited"))),
  defect: Stream.die(new Error("a defect in its stream")),
  failure: Stream.fail(new Error("a failure of its stream")),
  end: Stream.empty,
}
const options = { misdeed: { kind: "text", required: true, description: "What to do." } }
`

const config = `${whenTold}
const specs = ["10.33.20.93", "10.33.30.22"].map((host) => specNews(JSON.stringify({ "10.66.17.0/24": [host] })))
let count = 0
const misdeeds = {
  ...anywhere,
  object: Stream.make({ "10.66.17.0/24": ["10.33.30.22"] }),
  garbage: Stream.make({ _tag: "Accepted", spec: { "10.66.17.0/24": ["10.33.30.22"] } }),
  flood: Stream.fromEffectRepeat(Effect.sync(() => specs[++count % 2])),
  burst: Stream.concat(Stream.range(1, 100_000).pipe(Stream.map((n) => specs[(n + 1) % 2])), Stream.never),
}
export default configPlugin({
  provides: "config",
  name: "misbehaving",
  options,
  layer: ({ misdeed }) => Layer.succeed(ConfigSource, {
    name: "misbehaving",
    post: Option.none(),
    news: Stream.concat(Stream.make(specs[0]), Stream.concat(once(misdeeds[misdeed]), misdeed === "end" ? Stream.empty : Stream.never)),
  }),
})
`

const health = `${whenTold}
const say = (tag) => ["10.33.20.93", "10.33.30.22"].map((host) => ({
  host: ip(host),
  verdict: Verdict[tag]({ since: 0, reason: "it says so" }),
}))
let count = 0
let state = Effect.succeed(SourceState.Up({ since: 0 }))
const isWatched = Deferred.makeUnsafe()
const misdeeds = {
  ...anywhere,
  object: Stream.make({ "10.33.20.93": "failed" }),
  garbage: Stream.make([{ host: "10.33.20.93", verdict: "failed" }]),
  flood: Stream.fromEffectRepeat(Effect.sync(() => say(++count % 2 === 0 ? "Healthy" : "Failed"))),
  burst: Stream.concat(Stream.range(1, 100_000).pipe(Stream.map((n) => say(n % 2 === 0 ? "Healthy" : "Failed"))), Stream.never),
  silence: Stream.suspend(() => {
    state = Effect.never
    return Stream.never
  }),
}
export default healthPlugin({
  provides: "health",
  name: "misbehaving",
  options,
  layer: ({ misdeed }) => Layer.sync(HealthSource, () => ({
    name: "misbehaving",
    watch: (hosts) => hosts.size > 0 ? Deferred.succeed(isWatched, undefined) : Effect.void,
    verdicts: Stream.concat(
      Stream.fromEffect(Effect.as(Deferred.await(isWatched), say("Healthy"))),
      Stream.concat(once(misdeeds[misdeed]), misdeed === "end" ? Stream.empty : Stream.never),
    ),
    state: Effect.suspend(() => state),
  })),
})
`

const isCalm = (daemon: Running) =>
  Effect.gen(function* () {
    assert.strictEqual((yield* get(`${yield* daemon.url}/healthz`)).status, 200)
    assert.isNull(daemon.process.exitCode)
  })

/** Waits until there is a route in every table, and the log has told of all of them. */
const routed = Effect.fnUntraced(function* (daemon: Running) {
  const { tables } = yield* statusUntil(
    daemon,
    "the routes",
    ({ tables }) =>
      tables.length > 0 &&
      tables.every(({ cells }) => cells.some(({ cidr, ip }) => cidr === "10.66.17.0/24" && ip !== null)),
  )
  yield* daemon.until("the log of the writes", () => writesOf(daemon).length >= tables.length)
  return tables.length
})

/** Several daemons at once: most of the time they wait. */
const concurrency = 4

describe("a config source that goes wrong while vpc-router runs: it runs on, writes nothing, and takes it up again", () => {
  const cases = [
    ["error", "thrown in a timer", "ok"],
    ["text", "thrown in a timer", "ok"],
    ["event", "an event that nobody heard", "ok"],
    ["rejection", "a promise that nobody awaited", "ok"],
    ["defect", "a defect in its stream", "ok"],
    ["failure", "a failure of its stream", "ok"],
    ["end", "the config source ended", "ended"],
    ["object", "it gave something that is no news", "unreadable"],
    ["garbage", "expected a Map", "rejected"],
    ["flood", "its news have not stood still for 5 s, so none is taken", "unreadable"],
  ] as const
  it.live("whatever it does", () =>
    Effect.forEach(
      cases,
      Effect.fnUntraced(function* ([misdeed, said, afterwards]) {
        const folder = yield* folderOf({ "plugin.mjs": config })
        const args = ["-m", "./plugin.mjs", "--misdeed", misdeed, "--simulate", "-p", "0"]
        const daemon = yield* start(args, within(folder))
        yield* routed(daemon)
        const before = writesOf(daemon)
        writeFileSync(join(folder, "go"), "")
        yield* daemon.logged(said)
        yield* statusUntil(daemon, afterwards, ({ sources }) => sources.config.state === afterwards)
        yield* isCalm(daemon)
        assert.deepStrictEqual(writesOf(daemon), before, misdeed)
      }, Effect.scoped),
      { concurrency },
    ),
  )

  it.live("of 100,000 specs at once the last comes into force", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({ "plugin.mjs": config })
      const args = ["-m", "./plugin.mjs", "--misdeed", "burst", "--simulate", "-p", "0"]
      const daemon = yield* start(args, within(folder))
      const tables = yield* routed(daemon)
      const before = writesOf(daemon)
      writeFileSync(join(folder, "go"), "")
      yield* statusUntil(daemon, "the routes to the last", ({ tables }) =>
        tables.every(({ cells }) => cells.some(({ cidr, ip }) => cidr === "10.66.17.0/24" && ip === "10.33.30.22")),
      )
      yield* isCalm(daemon)
      yield* daemon.until("the log of the writes", () => writesOf(daemon).length >= before.length + tables)
      assert.strictEqual(writesOf(daemon).length, before.length + tables)
    }),
  )
})

describe("a health source that goes wrong while vpc-router runs: it is down, and no route moves", () => {
  const cases = [
    ["error", "thrown in a timer"],
    ["text", "thrown in a timer"],
    ["event", "an event that nobody heard"],
    ["defect", "a defect in its stream"],
    ["failure", "a failure of its stream"],
    ["end", "verdicts: they ended"],
    ["object", "it gave something that is no list of verdicts"],
    ["garbage", "it gave something that is no verdict of a host"],
    ["flood", "it contradicts itself"],
    ["burst", "it contradicts itself"],
    ["silence", "state: it did not return in time"],
  ] as const
  it.live("whatever it does", () =>
    Effect.forEach(
      cases,
      Effect.fnUntraced(function* ([misdeed, said]) {
        const folder = yield* folderOf({ "plugin.mjs": health })
        const spec = ["--fixed-cidr", "10.66.17.0/24", "--fixed-hosts", "10.33.20.93:10.33.30.22"]
        const args = ["-m", "fixedconf", ...spec, "-H", "./plugin.mjs", "--misdeed", misdeed, "--simulate", "-p", "0"]
        const daemon = yield* start(args, within(folder))
        yield* routed(daemon)
        const before = writesOf(daemon)
        writeFileSync(join(folder, "go"), "")
        const { message } = yield* daemon.logged("health source misbehaving is down")
        assert.include(message, said)
        yield* isCalm(daemon)
        assert.deepStrictEqual(writesOf(daemon), before, misdeed)
      }, Effect.scoped),
      { concurrency },
    ),
  )
})
