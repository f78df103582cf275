import { type Detector, Observation, observe, watched } from "../../../src/domain/Detector.ts"
import type { DetectorOptions } from "../../../src/domain/DetectorOptions.ts"
import type { Millis } from "../../../src/domain/Health.ts"

/** One host watched by some method, driven by events in the order of time. Counts how often it calls the host failed. */
export interface Watching {
  /** When it wants to send or to look again. */
  readonly due: Millis
  /** That time has come. The number of the probe that goes out; `undefined` if none does. */
  readonly wake: (now: Millis) => number | undefined
  readonly replied: (probe: number, now: Millis) => void
  /** This machine saw nothing in between. */
  readonly paused: (from: Millis, to: Millis) => void
  readonly failures: number
  /** Nothing is suspected at present. */
  readonly isCalm: boolean
}

/** How to begin watching a host at a time. */
export type Method = (now: Millis, seed: number) => Watching

/** This project's detector. A pause is noticed if a wake comes a third of the timeout late, as the prober does. */
export const ours =
  (options: DetectorOptions): Method =>
  (begin, seed) => {
    let state: Detector = watched(begin, seed)
    let sequence = 0
    let failures = 0
    const see = (observation: Observation, now: Millis) => {
      const [next, verdict] = observe(options, state, observation, now)
      state = next
      if (verdict?._tag === "Failed") failures++
    }
    return {
      get due() {
        return state.nextProbeAt
      },
      get failures() {
        return failures
      },
      get isCalm() {
        return state.verdict._tag === "Healthy" && state.misses === 0 && state.pending.length === 0
      },
      wake: (now) => {
        see(Observation.Sent({ sequence, othersAnsweredAt: now }), now)
        return sequence++
      },
      replied: (probe, now) => see(Observation.Replied({ sequence: probe }), now),
      paused: (from, to) => {
        if (to - from > options.timeout / 3) see(Observation.Blind({ from, to }), to)
      },
    }
  }

export interface KOfNOptions {
  readonly interval: Millis
  readonly timeout: Millis
  readonly k: number
  readonly n: number
}

/** The longest that it takes to find a host that fell silent. */
export const kOfNBound = ({ interval, k, timeout }: KOfNOptions): Millis => k * interval + timeout

/** Plain k of n: a probe every `interval`, failed when `k` of the last `n` had no reply within `timeout`, until one replies. */
export const kOfN =
  ({ interval, k, n, timeout }: KOfNOptions): Method =>
  (begin) => {
    let sequence = 0
    let nextProbeAt = begin
    let failures = 0
    let isFailed = false
    let last: ReadonlyArray<boolean> = []
    let pending: ReadonlyArray<{ readonly probe: number; readonly deadline: Millis }> = []
    const judge = (missed: boolean) => {
      last = [...last, missed].slice(-n)
      if (!missed) isFailed = false
      else if (!isFailed && last.filter((one) => one).length >= k) {
        isFailed = true
        failures++
      }
    }
    return {
      get due() {
        return Math.min(nextProbeAt, pending[0]?.deadline ?? Infinity)
      },
      get failures() {
        return failures
      },
      get isCalm() {
        return !isFailed && pending.length === 0 && !last.includes(true)
      },
      wake: (now) => {
        for (; (pending[0]?.deadline ?? Infinity) <= now; pending = pending.slice(1)) judge(true)
        if (nextProbeAt > now) return undefined
        nextProbeAt = now + interval
        pending = [...pending, { probe: sequence, deadline: now + timeout }]
        return sequence++
      },
      replied: (probe) => {
        if (!pending.some((one) => one.probe === probe)) return
        pending = pending.filter((one) => one.probe !== probe)
        judge(false)
      },
      // It does not know, and finds its deadlines past before it reads what came meanwhile.
      paused: () => undefined,
    }
  }
