import { Clock, Effect, type FileSystem, type Path, Predicate, Scope } from "effect"
import { nowUnsafe } from "../Now.ts"
import { apartWithin, type ChosenPlugin, open, PluginFault, shortened, thrownInWords } from "../PluginSession.ts"
import { Probe, type ProbeRequest, type ProbeSink, type ProbeTransport, ProbeUnavailable } from "./Probe.ts"

/** How long a plugin may take to open its transport. */
const openLimit = "10 seconds"
/** How long it may take to send a batch of probes; until then no other probe leaves. */
const sendLimit = "1 second"

type ForeignEffect = Effect.Effect<unknown, { readonly message?: unknown }, Scope.Scope>

const isForeignEffect = (given: unknown): given is ForeignEffect => Effect.isEffect(given)

const isForeignProbe = (given: object): given is { readonly open: (sink: ProbeSink) => unknown } =>
  Predicate.hasProperty(given, "open") && Predicate.isFunction(given.open)

const isForeignTransport = (
  given: unknown,
): given is { readonly send: (batch: ReadonlyArray<ProbeRequest>) => unknown } =>
  Predicate.hasProperty(given, "send") && Predicate.isFunction(given.send)

/** Calls a function of the plugin that is to give an effect. */
const effectOf = (what: string, call: () => unknown): Effect.Effect<ForeignEffect, PluginFault> =>
  Effect.try({ try: call, catch: (thrown) => new PluginFault({ why: `${what}: ${thrownInWords(thrown)}` }) }).pipe(
    Effect.filterOrFail(isForeignEffect, () => new PluginFault({ why: `${what}: it gave no Effect` })),
  )

/** A sink that stands anything: what a plugin tells is checked, and after the end nothing more is heard. */
const guarded = (sink: ProbeSink, clock: Clock.Clock, isOpen: () => boolean): ProbeSink => {
  const isProbe = (host: unknown, sequence: unknown) =>
    isOpen() && Predicate.isString(host) && Number.isInteger(sequence)
  const why = (given: unknown) => (Predicate.isString(given) && given !== "" ? shortened(given) : "no reason given")
  return {
    // When an answer came is not left to the plugin: a wrong clock would make the dead alive.
    replied: (host, sequence) => {
      if (isProbe(host, sequence)) sink.replied(host, sequence, nowUnsafe(clock))
    },
    rejected: (host, sequence, reason) => {
      if (isProbe(host, sequence)) sink.rejected(host, sequence, why(reason))
    },
    unsent: (host, sequence, reason) => {
      if (isProbe(host, sequence)) sink.unsent(host, sequence, why(reason))
    },
    died: (reason) => {
      if (isOpen()) sink.died(why(reason))
    },
  }
}

/** The probe of a plugin, as the prober may rely on it. Whatever it does wrong is a transport that is of no use. */
export const make = Effect.fnUntraced(function* (
  plugin: ChosenPlugin,
): Effect.fn.Return<Probe["Service"], never, FileSystem.FileSystem | Path.Path> {
  const surroundings = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const clock = yield* Clock.Clock

  const openOnce = Effect.fnUntraced(function* (
    sink: ProbeSink,
  ): Effect.fn.Return<ProbeTransport, PluginFault, FileSystem.FileSystem | Path.Path | Scope.Scope> {
    let isOpen = true
    yield* Effect.addFinalizer(() => Effect.sync(() => (isOpen = false)))
    const { scope, service } = yield* open(plugin, Probe)
    if (!isForeignProbe(service)) return yield* new PluginFault({ why: "its Probe has no function open" })
    const opening = yield* effectOf("open", () => service.open(guarded(sink, clock, () => isOpen)))
    const transport = yield* apartWithin(openLimit, "open", Scope.provide(opening, scope))
    if (!isForeignTransport(transport))
      return yield* new PluginFault({ why: "open: its transport has no function send" })
    yield* plugin.strays.next.pipe(
      Effect.catch(({ why }) => Effect.sync(() => sink.died(why))),
      Effect.forkScoped,
    )
    return {
      send: (batch) =>
        effectOf("send", () => transport.send(batch)).pipe(
          Effect.flatMap((sending) => apartWithin(sendLimit, "send", Scope.provide(sending, scope))),
          Effect.catch(({ why }) => Effect.sync(() => sink.died(why))),
          Effect.asVoid,
        ),
    }
  })

  return {
    name: plugin.name,
    open: (sink) =>
      openOnce(sink).pipe(
        Effect.mapError(({ why }) => new ProbeUnavailable({ why })),
        Effect.provideContext(surroundings),
      ),
  }
})
