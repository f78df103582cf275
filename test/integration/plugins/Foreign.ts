import { Effect, type Layer } from "effect"
import { TestClock } from "effect/testing"
import { type ChosenPlugin, StrayFaults } from "../../../src/services/PluginSession.ts"

/** A plugin as it is after its module was loaded and its options were read; `layer` may throw, and give anything. */
export const plugin = (layer: () => unknown): ChosenPlugin => ({ name: "foreign", layer, strays: new StrayFaults() })

/** A layer that is what it should be. */
export const decent = <A>(layer: Layer.Layer<A>): ChosenPlugin => plugin(() => layer)

/** Lets virtual time pass in steps, and what happens in it happen. */
export const pass = (millis: number, step = 25): Effect.Effect<void> =>
  Effect.forEach(
    Array.from({ length: Math.ceil(millis / step) }),
    () => Effect.andThen(TestClock.adjust(step), Effect.yieldNow),
    { discard: true },
  )

/** What a well-behaved author may still write by mistake, or a stranger on purpose. */
export const garbage: ReadonlyArray<readonly [what: string, value: unknown]> = [
  ["nothing", undefined],
  ["null", null],
  ["a text", "10.66.17.0/24"],
  ["a raw object", { "10.66.17.0/24": ["10.33.20.93"] }],
  ["another tag", { _tag: "Hello" }],
  ["a list of lists", [[]]],
  ["a function", () => "Accepted"],
  [
    "a getter that throws",
    Object.defineProperty({}, "_tag", {
      get: () => {
        throw new Error("no tag for you")
      },
    }),
  ],
  [
    "a proxy that throws at every touch",
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("touched")
        },
        has: () => {
          throw new Error("touched")
        },
      },
    ),
  ],
]
