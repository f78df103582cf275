import { Cause, Data, type Duration, Effect, Exit, Fiber, Layer, Predicate, Random, Scope } from "effect"
import { now } from "./Now.ts"
import type { PluginServices } from "./PluginDefinition.ts"

/** What a plugin did wrong, in words. It is started anew later; no fault of a plugin is a reason to end. */
export class PluginFault extends Data.TaggedError("PluginFault")<{ readonly why: string }> {
  override get message(): string {
    return this.why
  }
}

/** A plugin with its options filled in. */
export interface ChosenPlugin {
  readonly name: string
  /** Calls the plugin's `layer`; it may throw, and give anything. */
  readonly layer: () => unknown
  /** What it threw where nobody could catch it: in a timer, in a callback of its own. */
  readonly strays: StrayFaults
}

/** Hands exceptions that nobody caught to whoever runs the plugin that they came from. */
export class StrayFaults {
  readonly #listeners = new Set<(why: string) => void>()

  report(why: string): void {
    for (const listener of this.#listeners) listener(why)
  }

  /** Fails with the next one. */
  readonly next: Effect.Effect<never, PluginFault> = Effect.callback((resume) => {
    const listener = (why: string) => resume(new PluginFault({ why }))
    this.#listeners.add(listener)
    return Effect.sync(() => this.#listeners.delete(listener))
  })
}

const longest = 300

/** A plugin's text as one line of bounded length. */
export const shortened = (text: string): string => {
  const line = text.replace(/\p{Cc}+/gu, " ").trim()
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line
}

/** What was thrown, in words; whatever it is, and even if asking it throws. */
export const thrownInWords = (thrown: unknown): string => {
  try {
    if (Predicate.isError(thrown)) return shortened(thrown.message === "" ? thrown.name : thrown.message)
    if (Predicate.isString(thrown)) return shortened(thrown)
    if (Predicate.hasProperty(thrown, "message") && Predicate.isString(thrown.message)) return shortened(thrown.message)
    return shortened(JSON.stringify(thrown) ?? String(thrown))
  } catch {
    return "something that cannot be shown"
  }
}

/**
 * Runs an effect of a plugin on a fiber of its own. Whatever becomes of it is its value or a {@link PluginFault}; whoever
 * waits for it can be interrupted at once, even if it does not let itself be.
 */
export const apart = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, PluginFault, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDetach(effect), (fiber) =>
      restore(Fiber.await(fiber)).pipe(Effect.onInterrupt(() => Effect.sync(() => fiber.interruptUnsafe()))),
    ),
  ).pipe(
    Effect.flatMap(
      Exit.match({
        onSuccess: (value) => Effect.succeed(value),
        onFailure: (cause) =>
          Effect.fail(
            new PluginFault({
              why: `${what}: ${Cause.hasInterruptsOnly(cause) ? "it interrupted itself" : thrownInWords(Cause.squash(cause))}`,
            }),
          ),
      }),
    ),
  )

/** As {@link apart}, with a limit of time. */
export const apartWithin = <A, E, R>(
  limit: Duration.Input,
  what: string,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, PluginFault, R> =>
  Effect.timeoutOrElse(apart(what, effect), {
    duration: limit,
    orElse: () => Effect.fail(new PluginFault({ why: `${what}: it did not return in time` })),
  })

/** How long a plugin's layer may take to be built, and to close. */
const buildLimit = "10 seconds"
const closeLimit = "1 second"

/** A scope for what belongs to a plugin: closing it is begun when the outer one closes, and waited for a second at most. */
const boundedScope: Effect.Effect<Scope.Closeable, never, Scope.Scope> = Effect.acquireRelease(
  Scope.make(),
  Effect.fnUntraced(function* (scope, exit) {
    const closing = yield* Effect.forkDetach(Scope.close(scope, exit))
    // Whoever closes it may be interrupted already; these two are not.
    const closed = Effect.interruptible(Fiber.await(closing))
    const late = Effect.as(Effect.interruptible(Effect.sleep(closeLimit)), undefined)
    const ended = yield* Effect.raceFirst(closed, late)
    if (ended === undefined) yield* Effect.logWarning("a plugin does not close what it opened")
    else if (Exit.isFailure(ended)) yield* Effect.logWarning("a plugin failed to close what it opened", ended.cause)
  }),
)

const callLayer = ({ layer }: ChosenPlugin) =>
  Effect.try({ try: layer, catch: (thrown) => new PluginFault({ why: `layer: ${thrownInWords(thrown)}` }) })

/** Whatever a plugin fails with; it is only ever put into words. */
interface Foreign {
  readonly message?: unknown
}

/** A layer that asks for more than it may finds out when it is built. */
const isPluginLayer = (given: unknown): given is Layer.Layer<unknown, Foreign, PluginServices> => Layer.isLayer(given)

/** Builds the plugin's layer, until the scope closes, and gives what is under the port's key in it. */
export const open = Effect.fnUntraced(function* (
  plugin: ChosenPlugin,
  port: { readonly key: string },
): Effect.fn.Return<
  { readonly service: object; readonly scope: Scope.Closeable },
  PluginFault,
  PluginServices | Scope.Scope
> {
  const layer = yield* callLayer(plugin)
  if (!isPluginLayer(layer))
    return yield* new PluginFault({ why: "layer: it gave no Layer (of the Effect that vpc-router runs on)" })
  const scope = yield* boundedScope
  const surroundings = yield* Effect.context<PluginServices>()
  const building = Effect.provideContext(Layer.buildWithScope(layer, scope), surroundings)
  const { mapUnsafe } = yield* apartWithin(buildLimit, "layer", building)
  const service: unknown = mapUnsafe.get(port.key)
  return Predicate.isObject(service)
    ? { service, scope }
    : yield* new PluginFault({ why: `layer: it gave no ${port.key.slice(port.key.lastIndexOf("/") + 1)}` })
})

/** Between two starts of a plugin that failed, in milliseconds; doubles from the first to the second figure. */
const backoff = { first: 1_000, last: 30_000 }

/**
 * Runs sessions of a plugin, one after the other, until one ends without a fault. After a fault the next one comes after a
 * pause with jitter, which grows until a session has lasted longer than the longest pause.
 */
export const keepRunning = <R>(options: {
  readonly strays: StrayFaults
  /** One session; closes with its scope. */
  readonly session: Effect.Effect<void, PluginFault, R | Scope.Scope>
  readonly onFault: (fault: PluginFault) => Effect.Effect<void>
}): Effect.Effect<void, never, Exclude<R, Scope.Scope>> =>
  Effect.gen(function* () {
    let failures = 0
    for (;;) {
      const began = yield* now
      const fault = yield* Effect.raceFirst(options.session, options.strays.next).pipe(
        Effect.scoped,
        // A fault in our own code must not pass for silence.
        Effect.catchDefect((defect) => Effect.fail(new PluginFault({ why: thrownInWords(defect) }))),
        Effect.as(undefined),
        Effect.catch(Effect.succeed),
      )
      if (fault === undefined) return
      failures = (yield* now) - began > backoff.last ? 1 : failures + 1
      yield* options.onFault(fault)
      const pause = Math.min(backoff.last, backoff.first * 2 ** (failures - 1))
      yield* Effect.sleep(pause * (yield* Random.nextBetween(0.75, 1.25)))
    }
  })
