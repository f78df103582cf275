import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Option, Queue, Scope, Stream } from "effect"
import { encodeRouteSpec } from "../../../src/domain/RouteSpec.ts"
import { ConfigSource, type SpecNews } from "../../../src/services/config/ConfigSource.ts"
import * as HttpConfig from "../../../src/services/config/HttpConfig.ts"

const specOf = (host: number) => JSON.stringify({ "10.66.17.0/24": [`10.33.20.${host}`] })

type Accepted = Extract<SpecNews, { readonly _tag: "Accepted" }>

const textOf = ({ spec }: Pick<Accepted, "spec">) => JSON.stringify(encodeRouteSpec(spec))

const source = Effect.gen(function* () {
  const { news, post } = yield* ConfigSource
  return { news, post: Option.getOrThrow(post) }
})

/** The news as they come, none of them applied yet. */
const subscribe = Effect.fnUntraced(function* (news: Stream.Stream<SpecNews>) {
  const heard = yield* Queue.unbounded<Accepted>()
  const fiber = yield* Effect.forkScoped(
    Stream.runForEach(news, (one) => {
      assert(one._tag === "Accepted")
      return Queue.offer(heard, one)
    }),
    { startImmediately: true },
  )
  return { next: Queue.take(heard), size: Queue.size(heard), stop: Fiber.interrupt(fiber) }
})

const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("HttpConfig", () => {
  it.effect("answers a post when its spec is in force, and not before", () =>
    Effect.gen(function* () {
      const { news, post } = yield* source
      const { next } = yield* subscribe(news)
      const poster = yield* fork(post('{"10.66.17.1/24": ["10.33.20.1"]}'))
      const { onApplied } = yield* next
      yield* Effect.yieldNow
      assert.isUndefined(poster.pollUnsafe())
      yield* onApplied
      const decoded = yield* Fiber.join(poster)
      assert.strictEqual(textOf(decoded), specOf(1).replace("17.1", "17.0"))
      assert.deepStrictEqual(
        decoded.warnings.map(({ path }) => path),
        ['$["10.66.17.1/24"]'],
      )
    }).pipe(Effect.scoped, Effect.provide(HttpConfig.layer)),
  )

  it.effect("refuses a faulty post with all its faults, and tells nobody", () =>
    Effect.gen(function* () {
      const { news, post } = yield* source
      const { size } = yield* subscribe(news)
      const error = yield* Effect.flip(post('{"10.66.17.0/24": ["x", "fd00::1"]}'))
      assert.deepStrictEqual(error._tag === "SpecRejected" ? error.problems.map(({ path }) => path) : [], [
        '$["10.66.17.0/24"][0]',
        '$["10.66.17.0/24"][1]',
      ])
      assert.include(error.message, "names are not looked up; $")
      yield* Effect.yieldNow
      assert.strictEqual(yield* size, 0)
    }).pipe(Effect.scoped, Effect.provide(HttpConfig.layer)),
  )

  it.effect("keeps the order of the posts, also of more than can wait", () =>
    Effect.gen(function* () {
      const { news, post } = yield* source
      const hosts = Array.from({ length: 40 }, (_, index) => index + 1)
      const posters = yield* Effect.forEach(hosts, (host) => fork(post(specOf(host))))
      const { next } = yield* subscribe(news)
      for (const host of hosts) {
        const accepted = yield* next
        assert.strictEqual(textOf(accepted), specOf(host))
        yield* accepted.onApplied
      }
      assert.lengthOf(yield* Effect.forEach(posters, Fiber.join), 40)
    }).pipe(Effect.scoped, Effect.provide(HttpConfig.layer)),
  )

  it.effect("takes a spec whose poster went away, and goes on", () =>
    Effect.gen(function* () {
      const { news, post } = yield* source
      const gone = yield* fork(post(specOf(1)))
      yield* Fiber.interrupt(gone)
      const { next } = yield* subscribe(news)
      const first = yield* next
      assert.strictEqual(textOf(first), specOf(1))
      yield* first.onApplied
      const poster = yield* fork(post(specOf(2)))
      yield* Effect.flatMap(next, ({ onApplied }) => onApplied)
      assert.strictEqual(textOf(yield* Fiber.join(poster)), specOf(2))
    }).pipe(Effect.scoped, Effect.provide(HttpConfig.layer)),
  )

  it.effect("begins for a later subscriber with the spec in force", () =>
    Effect.gen(function* () {
      const { news, post } = yield* source
      const first = yield* subscribe(news)
      yield* fork(post(specOf(1)))
      yield* Effect.flatMap(first.next, ({ onApplied }) => onApplied)
      yield* first.stop
      const second = yield* subscribe(news)
      assert.strictEqual(textOf(yield* second.next), specOf(1))
      yield* fork(post(specOf(2)))
      assert.strictEqual(textOf(yield* second.next), specOf(2))
    }).pipe(Effect.scoped, Effect.provide(HttpConfig.layer)),
  )

  it.effect("lets no poster wait for ever once it is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(HttpConfig.layer, scope)
      const { post } = yield* Effect.provideContext(source, context)
      const posters = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, host) => post(specOf(host))),
        fork,
      )
      yield* Scope.close(scope, Exit.void)
      const late = yield* fork(post(specOf(99)))
      for (const poster of [...posters, late]) assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(poster)))
    }),
  )
})
