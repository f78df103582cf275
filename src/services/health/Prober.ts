import { Clock, Duration, Effect, Latch, Layer, Random, type Scope, type Stream } from "effect"
import {
  type DetectorOptions,
  detectionBound,
  detectorOptions,
  falseFailoversPerDay,
} from "../../domain/DetectorOptions.ts"
import type { HostVerdict, Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import { ChangedVerdicts } from "./ChangedVerdicts.ts"
import { BootClock } from "./BootClock.ts"
import { HealthSource, SourceState, starting } from "./HealthSource.ts"
import { Pauses } from "./Pauses.ts"
import { Probe, type ProbeSink, type ProbeTransport, ProbeUnavailable } from "./Probe.ts"
import { exposeProbes } from "./ProbeMetrics.ts"
import { Traffic } from "./Traffic.ts"
import { Watchlist } from "./Watchlist.ts"

/** Probes sent at one wake, which are at least 1 ms apart: their replies fit into a default receive buffer (some 256). */
const batchLimit = 32

/** Between two attempts to open a transport that failed; doubles from the first to the second figure. */
const backoff = { first: 500, last: 30_000 }

/** A source that can watch anchors besides. */
export type ProbingSource = HealthSource["Service"] & {
  /** What changes of the anchors, as it does. One subscriber. */
  readonly anchors: Stream.Stream<ReadonlyArray<HostVerdict>>
}

/**
 * Watches hosts through one {@link Probe}. One fiber drives all of them: it sleeps until the next probe is due, sends
 * what is due, and sleeps again; replies are taken as they come.
 *
 * While answers are awaited it wakes at least every third of the detector's timeout, and otherwise only when something is due. A wake
 * that is itself later than another third means that this process was stopped or blocked: that window says nothing of any host. So every
 * miss that counts had a third of the timeout, 50 ms by default, in which replies were being read. The same holds for a window in which
 * this machine refused its own probes, all of them, since its link was down or had no room.
 *
 * When the transport dies or cannot be opened, or no probe leaves this machine for three intervals, the source is Down, all
 * verdicts become unknown, and it is opened anew, first after 0.5 s, then ever more slowly up to 30 s, with jitter.
 */
export const make = Effect.fnUntraced(function* (
  probe: Probe["Service"],
  options: DetectorOptions = detectorOptions(),
  anchors: ReadonlySet<Ip> = new Set(),
): Effect.fn.Return<ProbingSource, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const sinceBoot = yield* BootClock
  const now = () => nowUnsafe(clock)
  const wake = Latch.makeUnsafe(false)
  // Only sleep is cut short: what was taken to be sent is sent, whoever wakes it.
  let isAsleep = false
  let isWoken = false
  const wakeUp = () => {
    isWoken = true
    if (isAsleep) wake.openUnsafe()
  }
  const changed = new ChangedVerdicts()
  const anchorsChanged = new ChangedVerdicts()
  const hosts = new Watchlist(options, changed, yield* Random.nextInt, anchors, anchorsChanged)
  let state: SourceState = SourceState.Down({ since: now(), why: starting })

  const becomeUp = () => {
    if (state._tag === "Up") return
    state = SourceState.Up({ since: now() })
    hosts.repeat()
  }

  const becomeDown = ({ why }: ProbeUnavailable) =>
    Effect.suspend(() => {
      const before = state
      state = SourceState.Down({ since: before._tag === "Down" ? before.since : now(), why })
      if (before._tag === "Up") hosts.down(now())
      return before._tag === "Down" && before.why === why
        ? Effect.void
        : Effect.logWarning(`health source ${probe.name} is down: ${why}`)
    })

  /** Runs one transport until it fails. */
  const session = Effect.fnUntraced(function* () {
    const traffic = new Traffic(options)
    let fault: string | undefined
    let announced = false
    const sink: ProbeSink = {
      replied: (host, sequence, at) => {
        if (fault !== undefined) return
        const trouble = traffic.replied(host, at)
        if (trouble !== undefined) hosts.blind(trouble.from, trouble.to, trouble.why)
        // First, since the verdicts of a source that is down do not count.
        becomeUp()
        hosts.replied(host, sequence, at)
      },
      rejected: (host, sequence, why) => {
        if (fault !== undefined) return
        // Our side of the network works, as with a reply.
        const trouble = traffic.replied(host, now())
        if (trouble !== undefined) hosts.blind(trouble.from, trouble.to, trouble.why)
        becomeUp()
        if (hosts.rejected(host, sequence, why, now())) wakeUp()
      },
      unsent: (host, sequence, why) => {
        if (fault !== undefined) return
        traffic.lost(host, why, now())
        hosts.unsent(host, sequence, now())
      },
      died: (why) => {
        fault ??= why
        wakeUp()
      },
    }
    const transport: ProbeTransport = yield* probe.open(sink)
    hosts.restart(now())
    const pauses = new Pauses(clock, sinceBoot, options.timeout / 3)

    let present = now()

    /** Does what is due, and gives what is left to be done, if anything is. */
    const pass = (): Effect.Effect<void, ProbeUnavailable> | undefined => {
      present = now()
      const blindFrom = pauses.woke(present)
      if (blindFrom !== undefined) hosts.blind(blindFrom, present, "this process did not run")
      const trouble = traffic.mended(present)
      if (trouble !== undefined) hosts.blind(trouble.from, present, trouble.why)
      fault ??= traffic.fault(present)
      if (fault !== undefined) return Effect.fail(new ProbeUnavailable({ why: fault }))
      if (hosts.size === 0 || traffic.proven(present)) becomeUp()
      const batch = hosts.take(present, batchLimit)
      if (batch.length > 0) traffic.sent(batch.length, present)
      const send = batch.length > 0 ? transport.send(batch) : undefined
      if (announced || state._tag === "Down") return send
      announced = true
      const said = Effect.logInfo(`health source ${probe.name} is up`)
      return send === undefined ? said : Effect.andThen(said, send)
    }

    const untilDue = (): Millis => {
      const awaits = hosts.awaits(present)
      const due = isWoken
        ? present
        : Math.min(hosts.earliest, traffic.due(present), awaits ? present + options.timeout / 3 : Infinity)
      // Whole milliseconds and never none: timers know no fractions, and batches shall stay apart.
      const pause = Math.max(1, Math.ceil(due - present))
      pauses.sleeps(present, present + pause, awaits)
      return pause
    }

    const passes = Effect.gen(function* () {
      for (;;) {
        isAsleep = false
        isWoken = false
        const rest = pass()
        if (rest !== undefined) yield* rest
        const pause = untilDue()
        isAsleep = true
        yield* Number.isFinite(pause) ? clock.sleep(Duration.millis(pause)) : Effect.never
      }
    })
    // It is woken seldom, and sleeps often: so sleeping is what is cheap.
    for (;;) {
      wake.closeUnsafe()
      yield* Effect.raceFirst(passes, wake.await)
    }
  })

  const run = Effect.gen(function* () {
    let failures = 0
    for (;;) {
      const fault = yield* Effect.scoped(session()).pipe(
        // A fault in our own code must not leave the last verdicts standing for ever.
        Effect.catchDefect((defect) => Effect.fail(new ProbeUnavailable({ why: `internal error: ${String(defect)}` }))),
        Effect.flip,
      )
      failures = state._tag === "Up" ? 1 : failures + 1
      yield* becomeDown(fault)
      const longest = Math.min(backoff.last, backoff.first * 2 ** (failures - 1))
      yield* Effect.sleep(longest * (yield* Random.nextBetween(0.75, 1.25)))
    }
  })
  yield* exposeProbes(probe.name, hosts.counts)
  yield* Effect.forkScoped(run)

  return {
    name: probe.name,
    watch: (wanted) =>
      Effect.sync(() => {
        hosts.watch(wanted, now())
        wakeUp()
      }),
    verdicts: changed.stream,
    anchors: anchorsChanged.stream,
    state: Effect.sync(() => state),
    standings: Effect.sync(() => [
      {
        name: probe.name,
        state,
        bound: detectionBound(hosts.options),
        falseFailovers: falseFailoversPerDay(hosts.options, hosts.size),
        heldUp: hosts.counts.blind.heldUp(now()),
      },
    ]),
  }
})

/** The health source that watches through the {@link Probe} at hand. */
export const layer = (options?: DetectorOptions): Layer.Layer<HealthSource, never, Probe> =>
  Layer.effect(
    HealthSource,
    Effect.flatMap(Probe, (probe) => make(probe, options)),
  )
