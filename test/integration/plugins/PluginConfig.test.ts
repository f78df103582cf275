import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Option, Queue, Schedule, Stream } from "effect"
import { ConfigSource, SpecNews, specNews } from "../../../src/plugin.ts"
import { encodeRouteSpec } from "../../../src/domain/RouteSpec.ts"
import * as PluginConfig from "../../../src/services/config/PluginConfig.ts"
import type { ChosenPlugin } from "../../../src/services/PluginSession.ts"
import { decent, garbage, pass, plugin } from "./Foreign.ts"

const spec = (host: string) => JSON.stringify({ "10.66.17.0/24": [host] })
const one = specNews(spec("10.33.20.93"))

const many = Array.from({ length: 200 }, (_, index) => specNews(spec(`10.0.0.${1 + index}`)))

/** A plugin with these news. The types that it breaks are those that JavaScript does not know. */
const withNews = (news: Stream.Stream<unknown, unknown>): ChosenPlugin =>
  plugin(() =>
    Layer.succeed(ConfigSource, Object.assign({ name: "foreign", post: Option.none() }, { news: news as never })),
  )

/** Runs the source of a plugin, and collects what it tells. */
const listen = Effect.fnUntraced(function* (chosen: ChosenPlugin) {
  const source = yield* PluginConfig.make(chosen)
  const told: Array<SpecNews> = []
  let hasEnded = false
  yield* source.news.pipe(
    Stream.runForEach((news) =>
      Effect.andThen(
        Effect.sync(() => told.push(news)),
        news._tag === "Accepted" ? news.onApplied : Effect.void,
      ),
    ),
    Effect.andThen(Effect.sync(() => (hasEnded = true))),
    Effect.forkScoped,
  )
  const words = () =>
    told.map((news) =>
      news._tag === "Accepted"
        ? JSON.stringify(encodeRouteSpec(news.spec))
        : news._tag === "Unreadable"
          ? news.why
          : news.problems.map(({ message, path }) => `${path}: ${message}`).join("; "),
    )
  return { source, told, words, hasEnded: () => hasEnded }
})

describe("the config source of a plugin", () => {
  it.effect("tells its specs, each once, under the plugin's name, and takes no posts", () =>
    Effect.gen(function* () {
      const news = yield* Queue.unbounded<SpecNews>()
      const { source, words } = yield* listen(withNews(Stream.fromQueue(news)))
      assert.deepStrictEqual([source.name, Option.isNone(source.post)], ["foreign", true])
      for (const host of ["10.33.20.93", "10.33.20.93", "10.33.30.22"]) {
        yield* Queue.offer(news, specNews(spec(host)))
        yield* pass(200)
      }
      assert.deepStrictEqual(words(), [spec("10.33.20.93"), spec("10.33.30.22")])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("says what is wrong with a spec, whatever is in it", () =>
    Effect.gen(function* () {
      const bad: ReadonlyArray<readonly [spec: unknown, expected: string]> = [
        [undefined, "expected a Map"],
        [{ "10.66.17.0/24": ["10.33.20.93"] }, "expected a Map"],
        [new Map([["10.66.17.0/40", []]]), "expected a destination CIDR"],
        [new Map([["10.66.17.0/24", "10.33.20.93"]]), "expected a list of hosts"],
        [new Map([["10.66.17.0/24", [1, null, {}]]]), "expected a host's IP address"],
        [new Map([[Symbol("x"), []]]), "expected a destination CIDR in text"],
        [new Map([["10.66.17.0/24", ["fd00::1"]]]), "expected an IPv4 address"],
        [new Map(Array.from({ length: 20_000 }, (_, index) => [index, []])), "expected at most 10000 destinations"],
      ]
      for (const [value, expected] of bad) {
        const { told, words } = yield* listen(withNews(Stream.make({ ...one, spec: value })))
        yield* pass(100)
        assert.strictEqual(told[0]?._tag, "Rejected")
        assert.include(words()[0], expected)
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("mends a spec as any other, and passes the plugin's warnings on", () =>
    Effect.gen(function* () {
      const mended = { ...specNews(`{"10.66.17.9/24": ["10.33.20.93"]}`) }
      const { told } = yield* listen(withNews(Stream.make(mended)))
      yield* pass(100)
      assert.isTrue(
        told[0]?._tag === "Accepted" && told[0].warnings.some(({ message }) => message.includes("host bits")),
      )
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  for (const [what, value] of garbage)
    it.effect(`takes ${what} for no news, and says so`, () =>
      Effect.gen(function* () {
        const { told, words } = yield* listen(withNews(Stream.concat(Stream.make(value), Stream.never)))
        yield* pass(100)
        assert.strictEqual(told[0]?._tag, "Unreadable", words().join())
        assert.include(words()[0], "plugin foreign: it")
      }).pipe(Effect.provide(NodeServices.layer)),
    )

  it.effect("is unreadable while the plugin fails, whatever it fails with, and starts it anew", () =>
    Effect.gen(function* () {
      const failures: ReadonlyArray<readonly [chosen: ChosenPlugin, why: string]> = [
        [
          plugin(() => {
            throw new Error("boom")
          }),
          "layer: boom",
        ],
        [plugin(() => 42), "layer: it gave no Layer"],
        [plugin(() => Layer.empty), "layer: it gave no ConfigSource"],
        [plugin(() => Layer.effect(ConfigSource, Effect.die("boom"))), "layer: boom"],
        [plugin(() => Layer.effect(ConfigSource, Effect.fail({ message: "boom" }))), "layer: boom"],
        [plugin(() => Layer.effect(ConfigSource, Effect.interrupt)), "layer: it interrupted itself"],
        [plugin(() => Layer.succeed(ConfigSource, {} as never)), "its ConfigSource has no stream of news"],
        [withNews(Stream.die(new Error("boom"))), "news: boom"],
        [withNews(Stream.fail(null)), "news: null"],
        [
          withNews(
            Stream.suspend(() => {
              throw "boom"
            }),
          ),
          "news: boom",
        ],
      ]
      for (const [chosen, why] of failures) {
        const { words } = yield* listen(chosen)
        yield* pass(100)
        assert.include(words()[0], `plugin foreign: ${why}`)
      }
      let starts = 0
      const again = plugin(() => {
        starts++
        if (starts < 3) throw new Error(`boom ${starts}`)
        return Layer.succeed(ConfigSource, {
          name: "",
          post: Option.none(),
          news: Stream.concat(Stream.make(one), Stream.never),
        })
      })
      const { words } = yield* listen(again)
      yield* pass(5_000)
      assert.deepStrictEqual(words(), [
        "plugin foreign: layer: boom 1",
        "plugin foreign: layer: boom 2",
        spec("10.33.20.93"),
      ])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("starts a plugin that always fails ever more slowly, and tells the same fault once", () =>
    Effect.gen(function* () {
      let starts = 0
      const { words } = yield* listen(
        plugin(() => {
          starts++
          throw new Error("boom")
        }),
      )
      yield* pass(600_000, 500)
      assert.isBelow(starts, 35)
      assert.isAbove(starts, 18)
      assert.deepStrictEqual(words(), ["plugin foreign: layer: boom"])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("does not wait for a layer that never comes, not even for one that cannot be interrupted", () =>
    Effect.gen(function* () {
      for (const never of [Effect.never, Effect.uninterruptible(Effect.never)]) {
        const { words } = yield* listen(plugin(() => Layer.effect(ConfigSource, never)))
        yield* pass(10_100)
        assert.deepStrictEqual(words(), ["plugin foreign: layer: it did not return in time"])
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("closes what the plugin opened, and does not wait for what does not close", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const holds = (name: string, release: Effect.Effect<void>) =>
        plugin(() =>
          Layer.effect(
            ConfigSource,
            Effect.as(
              Effect.acquireRelease(
                Effect.sync(() => events.push(`${name} opened`)),
                () =>
                  Effect.andThen(
                    release,
                    Effect.sync(() => events.push(`${name} closed`)),
                  ),
              ),
              ConfigSource.of({ name: "", post: Option.none(), news: Stream.never }),
            ),
          ),
        )
      yield* Effect.scoped(Effect.andThen(listen(holds("a", Effect.void)), pass(100)))
      assert.deepStrictEqual(events, ["a opened", "a closed"])
      const closing = yield* Effect.forkScoped(
        Effect.scoped(Effect.andThen(listen(holds("b", Effect.never)), Effect.sleep(100))),
      )
      yield* pass(1_500)
      assert.isDefined(closing.pollUnsafe())
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("ends when the plugin does, with its last spec", () =>
    Effect.gen(function* () {
      const { hasEnded, words } = yield* listen(withNews(Stream.make(one)))
      yield* pass(1_000)
      assert.deepStrictEqual([words(), hasEnded()], [[spec("10.33.20.93")], true])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("of 100,000 specs at once takes the last", () =>
    Effect.gen(function* () {
      const flood = Stream.range(1, 100_000).pipe(Stream.map((n) => (n === 100_000 ? one : many[n % many.length])))
      const { words } = yield* listen(withNews(Stream.concat(flood, Stream.never)))
      yield* pass(3_000)
      assert.deepStrictEqual(words(), [spec("10.33.20.93")])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("of a flood without end takes nothing, says so once, and goes on hearing", () =>
    Effect.gen(function* () {
      let heard = 0
      const flood = Stream.fromEffectRepeat(Effect.sync(() => many[heard++ % many.length]))
      const { words } = yield* listen(withNews(flood))
      yield* pass(20_000, 100)
      assert.deepStrictEqual(words(), ["plugin foreign: its news have not stood still for 5 s, so none is taken"])
      assert.isAtMost(heard, 50_000 * 21)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("of a spec and trouble at once tells both, in their order", () =>
    Effect.gen(function* () {
      const trouble = SpecNews.Unreadable({ why: "gone" })
      const both = yield* listen(withNews(Stream.make(trouble, one, trouble)))
      const healed = yield* listen(withNews(Stream.make(trouble, one)))
      yield* pass(200)
      assert.deepStrictEqual(both.words(), [spec("10.33.20.93"), "plugin foreign: gone"])
      assert.deepStrictEqual(healed.words(), [spec("10.33.20.93")])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("tells the plugin when its spec is in force, and waits for nothing that it does then", () =>
    Effect.gen(function* () {
      const applied = yield* Deferred.make<void>()
      const callbacks = [Effect.asVoid(Deferred.succeed(applied, undefined)), Effect.never, Effect.die("boom"), 42]
      for (const onApplied of callbacks) {
        const { told } = yield* listen(
          withNews(Stream.make({ ...one, onApplied }, specNews("{}")).pipe(Stream.schedule(Schedule.spaced(200)))),
        )
        yield* pass(1_000)
        assert.deepStrictEqual(
          told.map(({ _tag }) => _tag),
          ["Accepted", "Accepted"],
        )
      }
      yield* Deferred.await(applied)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("starts the plugin anew when it threw where nobody could catch it", () =>
    Effect.gen(function* () {
      const chosen = decent(
        Layer.succeed(ConfigSource, {
          name: "",
          post: Option.none(),
          news: Stream.concat(Stream.make(one), Stream.never),
        }),
      )
      const { words } = yield* listen(chosen)
      yield* pass(200)
      chosen.strays.report("nobody caught what it threw: boom")
      yield* pass(3_000)
      assert.deepStrictEqual(words(), [
        spec("10.33.20.93"),
        "plugin foreign: nobody caught what it threw: boom",
        spec("10.33.20.93"),
      ])
    }).pipe(Effect.provide(NodeServices.layer)),
  )
})
