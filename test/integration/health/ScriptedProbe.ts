import { Clock, Effect } from "effect"
import type { Millis } from "../../../src/domain/Health.ts"
import type { Ip } from "../../../src/domain/Ip.ts"
import { type Probe, type ProbeSink, ProbeUnavailable } from "../../../src/services/health/Probe.ts"
import { nowUnsafe } from "../../../src/services/Now.ts"

/** What a scripted network does with one probe: reply after that many milliseconds, stay silent, or refuse to send. */
export type Fate = Millis | "silent" | "unsendable"

export interface SentProbe {
  readonly host: Ip
  readonly sequence: number
  readonly at: Millis
}

/** A transport whose every move the test decides, and which records what was asked of it. */
export class ScriptedProbe {
  readonly sent: Array<SentProbe> = []
  readonly batches: Array<number> = []
  opened = 0
  closed = 0
  /** While set, opening fails with it. */
  unavailable: string | undefined
  fate: (host: Ip, at: Millis) => Fate = () => 1
  #sink: ProbeSink | undefined

  /** The transport dies now. */
  die(why: string): void {
    this.#sink?.died(why)
  }

  /** A reply that the prober may not have asked for. */
  reply(host: Ip, sequence: number, at: Millis): void {
    this.#sink?.replied(host, sequence, at)
  }

  readonly service: Probe["Service"] = {
    name: "scripted",
    open: (sink) =>
      Effect.gen({ self: this }, function* () {
        const clock = yield* Clock.Clock
        this.opened += 1
        if (this.unavailable !== undefined) return yield* new ProbeUnavailable({ why: this.unavailable })
        const scope = yield* Effect.scope
        this.#sink = sink
        yield* Effect.addFinalizer(() => Effect.sync(() => (this.closed += 1)))
        return {
          send: (batch) =>
            Effect.sync(() => {
              const at = nowUnsafe(clock)
              this.batches.push(batch.length)
              return batch.map(({ host, sequence }) => {
                this.sent.push({ host, sequence, at })
                return { host, sequence, fate: this.fate(host, at) }
              })
            }).pipe(
              Effect.flatMap(
                Effect.forEach(({ fate, host, sequence }) => {
                  if (fate === "silent") return Effect.void
                  if (fate === "unsendable") return Effect.sync(() => sink.unsent(host, sequence, "No buffer space"))
                  const deliver = Effect.sync(() => sink.replied(host, sequence, nowUnsafe(clock)))
                  return Effect.forkIn(Effect.delay(deliver, fate), scope)
                }),
              ),
              Effect.asVoid,
            ),
        }
      }),
  }
}
