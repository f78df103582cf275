import { Effect } from "effect"
import type { Millis } from "../../../src/domain/Health.ts"
import type { Ip } from "../../../src/domain/Ip.ts"
import type { Probe, ProbeTransport } from "../../../src/services/health/Probe.ts"
import { ProbeUnavailable } from "../../../src/services/health/Probe.ts"
import type { Dice } from "./Dice.ts"
import type { Lane } from "./VirtualTime.ts"

/** What is wrong with the way from one monitor to the hosts. */
export interface Weather {
  /** Nothing comes through. */
  isCutOff: boolean
  /** From when, and until when it did so last. */
  cutFrom: Millis
  cutUntil: Millis
  /** The share of packets that are lost, to all hosts. */
  loss: number
  /** The same to some. */
  readonly lossTo: Map<string, number>
  /** What a round trip takes longer, at most. */
  delay: Millis
  /** No probe can be sent: the transport has died. */
  isDead: boolean
}

export const fairWeather = (): Weather => ({
  isCutOff: false,
  cutFrom: -Infinity,
  cutUntil: -Infinity,
  loss: 0,
  lossTo: new Map(),
  delay: 0,
  isDead: false,
})

export const cutOff = (weather: Weather, now: Millis): void => {
  if (!weather.isCutOff) weather.cutFrom = now
  weather.isCutOff = true
}

export const reconnect = (weather: Weather, now: Millis): void => {
  if (weather.isCutOff) weather.cutUntil = now
  weather.isCutOff = false
}

/** What somebody who stands beside the monitor writes down. */
export interface Witness {
  readonly sent: (host: string) => void
  readonly heard: (host: string, sentAt: Millis, at: Millis) => void
  /** Nothing can be sent. */
  readonly down: () => void
}

/** Probes in the simulated network. Whether a host answers is the truth of the moment when the probe reaches it. */
export const probeOf = (options: {
  readonly lane: Lane
  readonly dice: Dice
  readonly weather: Weather
  readonly answers: (host: Ip) => boolean
  readonly witness: Witness
}): Probe["Service"] => {
  const { answers, dice, lane, weather, witness } = options
  return {
    name: "simulated",
    open: Effect.fnUntraced(function* (sink) {
      if (weather.isDead) witness.down()
      if (weather.isDead) return yield* new ProbeUnavailable({ why: "no way out" })
      let isOpen = true
      yield* Effect.addFinalizer(() => Effect.sync(() => void (isOpen = false)))
      const send: ProbeTransport["send"] = (batch) =>
        Effect.sync(() => {
          if (weather.isDead) {
            witness.down()
            sink.died("the socket is gone")
            return
          }
          for (const { host, sequence } of batch) {
            const sentAt = lane.time.now
            witness.sent(host)
            if (weather.isCutOff || !answers(host) || dice.hits(weather.loss)) continue
            const loss = weather.lossTo.get(host)
            if (loss !== undefined && dice.hits(loss)) continue
            const trip = 1 + dice.below(4) + (weather.delay > 0 ? dice.between(0, weather.delay) : 0)
            lane.in(Math.ceil(trip), () => {
              if (!isOpen) return
              const at = lane.time.now
              witness.heard(host, sentAt, at)
              sink.replied(host, sequence, at)
            })
          }
        })
      return { send }
    }),
  }
}
