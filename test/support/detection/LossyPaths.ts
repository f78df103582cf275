import type { Millis } from "../../../src/domain/Health.ts"
import type { LossModel } from "../../../src/domain/LossModel.ts"
import type { Method, Watching } from "./Detectors.ts"
import { exponential, randomness } from "./Randomness.ts"

/** Round trips are exponentially distributed with this mean, so that 99 % take less than 46 ms. */
const meanRoundTrip: Millis = 10

/** How long before something happens the watching begins, so that it is in its rhythm by then. */
const runUp: Millis = 3_000

/** What a simulation found. */
export interface Found {
  readonly failures: number
  /** Probes that were simulated. The calm times between are skipped, since nothing can happen in them. */
  readonly probes: number
}

interface Spell {
  readonly from: Millis
  readonly to: Millis
}

interface Reply {
  readonly at: Millis
  readonly probe: number
}

/** Drives one watching from `begin` until it is calm after `end`. `isLost` says what becomes of a probe. */
const play = (
  watching: Watching,
  random: () => number,
  end: Millis,
  isLost: (at: Millis) => boolean,
  pause: Spell | undefined,
) => {
  let replies: Array<Reply> = []
  let probes = 0
  let ahead = pause
  for (;;) {
    const next = replies.reduce<Reply | undefined>(
      (first, one) => (first === undefined || one.at < first.at ? one : first),
      undefined,
    )
    const now = Math.min(watching.due, next?.at ?? Infinity, ahead?.from ?? Infinity)
    if (ahead !== undefined && now === ahead.from) {
      // Timers are run before what waits in the socket is read, as in libuv. A long pause may lose what waits.
      const { from, to } = ahead
      ahead = undefined
      watching.paused(from, to)
      const keeps = to - from <= 100
      replies = replies.flatMap((one) => (one.at > to ? [one] : keeps || random() < 0.5 ? [{ ...one, at: to }] : []))
      while (watching.due < to) send(to)
      continue
    }
    if (now > end && watching.isCalm) return probes
    if (next !== undefined && next.at === now) {
      replies = replies.filter((one) => one !== next)
      watching.replied(next.probe, now)
    } else send(now)
  }
  function send(now: Millis) {
    const probe = watching.wake(now)
    if (probe === undefined) return
    probes++
    if (!isLost(now)) replies.push({ at: now + exponential(random, meanRoundTrip), probe })
  }
}

const spellsOf = ({ every, lasts }: LossModel, random: () => number, until: Millis): ReadonlyArray<Spell> => {
  const spells: Array<Spell> = []
  for (let at = 0; ;) {
    const from = at + exponential(random, every - lasts)
    if (from >= until) return spells
    const to = from + exponential(random, lasts)
    spells.push({ from, to })
    at = to
  }
}

/**
 * Watches so many paths that work, but lose packets by the model, for so long. Every failure is a false one. Methods that are given the same seed
 * see the same bad spells. `calmInterval`: mean milliseconds between the probes of the method while nothing is suspected.
 */
export const watchLossyPaths = (
  method: Method,
  options: {
    readonly model: LossModel
    readonly paths: number
    readonly lasts: Millis
    readonly calmInterval: Millis
    readonly seed: number
  },
): Found => {
  const { calmInterval, lasts, model, paths, seed } = options
  let failures = 0
  let probes = 0
  for (let path = 0; path < paths; path++) {
    const spells = spellsOf(model, randomness(seed * 100_003 + path), lasts)
    const random = randomness(seed * 7_919 + path * 2 + 1)
    let spell = 0
    const isBad = (at: Millis) => {
      while ((spells[spell]?.to ?? Infinity) <= at) spell++
      return (spells[spell]?.from ?? Infinity) <= at
    }
    const untilLoss = () => (model.lossWhenGood > 0 ? exponential(random, calmInterval / model.lossWhenGood) : Infinity)
    // The next loss in a good time takes the first probe that is sent from then on.
    let lossAt = untilLoss()
    let after = 0
    for (;;) {
      const ahead = spells.find(({ from }) => from >= after) ?? { from: Infinity, to: Infinity }
      const at = Math.min(ahead.from, lossAt)
      if (at >= lasts) break
      const begin = Math.max(after, at - runUp - random() * 1_000)
      const watching = method(begin, Math.floor(random() * 0x1_0000_0000))
      let latest = begin
      const isLost = (sentAt: Millis) => {
        latest = sentAt
        if (isBad(sentAt)) return random() < model.lossWhenBad
        if (sentAt < lossAt) return sentAt > at && random() < model.lossWhenGood
        lossAt = Infinity
        return true
      }
      const end = lossAt < ahead.from ? lossAt + calmInterval : ahead.to
      probes += play(watching, random, end, isLost, undefined)
      failures += watching.failures
      after = Math.max(latest, end)
      if (lossAt <= after || lossAt === Infinity) lossAt = after + untilLoss()
    }
  }
  return { failures, probes }
}

/** Watches so many paths that lose nothing, while the watching machine itself stops again and again. Every failure is a false one. */
export const watchWithPauses = (
  method: Method,
  options: {
    readonly paths: number
    readonly lasts: Millis
    readonly every: Millis
    /** Mean length. */
    readonly length: Millis
    readonly seed: number
  },
): Found => {
  let failures = 0
  let probes = 0
  const model = { every: options.every, lasts: options.length, lossWhenGood: 0, lossWhenBad: 0 }
  const pauses = spellsOf(model, randomness(options.seed), options.lasts)
  for (let path = 0; path < options.paths; path++) {
    const random = randomness(options.seed * 7_919 + path)
    for (const pause of pauses) {
      const watching = method(pause.from - runUp - random() * 1_000, Math.floor(random() * 0x1_0000_0000))
      probes += play(watching, random, pause.to + 2_000, () => false, pause)
      failures += watching.failures
    }
  }
  return { failures, probes }
}
