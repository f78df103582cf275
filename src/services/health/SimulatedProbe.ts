import { Clock, Duration, Effect, type Scope } from "effect"
import type { Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import type { Probe, ProbeRequest, ProbeSink, ProbeTransport } from "./Probe.ts"

/** Who answers in the simulated network. */
export interface SimulatedNetwork {
  /** Whether this host answers a probe that is sent now. */
  readonly answers: (host: Ip) => boolean
  /** The round trip, in milliseconds; without it answers come at once. */
  readonly roundTrip?: Millis
}

/** Asks a simulated network instead of a real one. It is never down, and no packet exists. */
export const make = ({ answers, roundTrip = 0 }: SimulatedNetwork): Probe["Service"] => ({
  name: "simulated",
  open: Effect.fnUntraced(function* (sink: ProbeSink): Effect.fn.Return<ProbeTransport, never, Scope.Scope> {
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    const deliver = (batch: ReadonlyArray<ProbeRequest>) =>
      Effect.sync(() => {
        const at = nowUnsafe(clock)
        for (const { host, sequence } of batch) sink.replied(host, sequence, at)
      })
    return {
      send: (batch) =>
        Effect.suspend(() => {
          const answered = batch.filter(({ host }) => answers(host))
          if (answered.length === 0) return Effect.void
          if (roundTrip <= 0) return deliver(answered)
          return Effect.forkIn(Effect.delay(deliver(answered), Duration.millis(roundTrip)), scope)
        }),
    }
  }),
})
