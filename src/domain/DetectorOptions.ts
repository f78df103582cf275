import type { Millis } from "./Health.ts"
import { allLost, assumedLoss, type LossModel } from "./LossModel.ts"

/** How one host is watched. Times in milliseconds. */
export interface DetectorOptions {
  /** The longest time between two probes of a host that answers. */
  readonly interval: Millis
  /** Each time between two such probes is shorter than `interval` by a random share of it, up to this one. */
  readonly jitter: number
  /** How long a reply is waited for until a probe counts as missed. */
  readonly timeout: Millis
  /** Between the probes that confirm a first miss. */
  readonly gap: Millis
  /** Consecutive misses that make a healthy host failed. */
  readonly fall: number
  /** Whether `fall` is the least, and grows with the number of hosts: see {@link forHosts}. */
  readonly grows: boolean
  /** Consecutive good replies that make a failed host healthy. */
  readonly rise: number
  /** From when a host is watched until "never answered" may be said of it. */
  readonly grace: Millis
}

/** How fast a failure is found: `--detect`. */
export const detectModes = ["normal", "fast"] as const
export type DetectMode = (typeof detectModes)[number]

/**
 * `fall` misses 150 ms apart, by mode. Normal: the first silent probe and two confirmations, sent over 300 ms. Fast has the rhythm and the
 * detection time of BFD at 300 ms × 3: 900 ms, of which 600 ms are left to confirm in, and so one confirmation more.
 */
const modes: Readonly<Record<DetectMode, { readonly interval: Millis; readonly fall: number }>> = {
  normal: { interval: 1000, fall: 3 },
  fast: { interval: 300, fall: 4 },
}

const confirmation = { shortest: 100, longest: 150 }

/**
 * The options of a mode. A `fall` that is given (from 1) stays; its misses share the time that the mode's would take, 100–150 ms each. Without one
 * the mode's is the least. `rise` from 1.
 */
export const detectorOptions = (fall?: number, rise = 2, mode: DetectMode = "normal"): DetectorOptions => {
  const chosen = modes[mode]
  const window = chosen.fall * confirmation.longest
  const share = Math.floor(window / (fall ?? chosen.fall))
  const timeout = Math.min(confirmation.longest, Math.max(confirmation.shortest, share))
  return {
    interval: chosen.interval,
    jitter: 0.1,
    timeout,
    gap: timeout,
    fall: fall ?? chosen.fall,
    grows: fall === undefined,
    rise,
    grace: 10_000,
  }
}

/** The same with another rhythm; confirmations are as far apart as a reply is waited for. */
export const withTiming = (
  options: DetectorOptions,
  { interval = options.interval, timeout = options.timeout }: Partial<Pick<DetectorOptions, "interval" | "timeout">>,
): DetectorOptions => ({ ...options, interval, timeout, gap: timeout })

/** When the probes of a silence are sent, counted from the first; as many as make a host failed. */
export const silence = ({ fall, gap, timeout }: DetectorOptions): ReadonlyArray<Millis> =>
  Array.from({ length: fall }, (_, n) => (n === 0 ? 0 : timeout + (n - 1) * gap))

/** A reply that takes longer than this (round trip) is too late to count: by then the host may be Failed. */
export const replyWindow = ({ fall, gap, timeout }: DetectorOptions): Millis =>
  fall === 1 ? timeout : 2 * timeout + (fall - 2) * gap

/**
 * Milliseconds from a host's last sign of life until it is Failed, at most, while round trips stay below `timeout`.
 *
 * A host may die just after it answered a probe: the next one goes out `interval` later at most. It is missed after `timeout`, which starts
 * `fall` − 1 confirmations `gap` apart, and the last of them is waited for, too. By default 1000 + 450 = 1450 ms, however many confirmations share
 * these 450 ms; that leaves 50 ms of the promised 1.5 s for late timers. Time in which the prober itself was held up comes on top.
 */
export const detectionBound = (options: DetectorOptions): Millis => options.interval + replyWindow(options)

const day: Millis = 86_400_000

/**
 * How many hosts that live are expected to be failed in a day, all together, by the loss that is assumed:
 *
 *     hosts × (day ÷ mean interval) × P(a probe and all its confirmations are lost)
 */
export const falseFailoversPerDay = (options: DetectorOptions, hosts: number, model: LossModel = assumedLoss): number =>
  ((hosts * day) / (options.interval * (1 - options.jitter / 2))) * allLost(model, silence(options))

/** The most {@link falseFailoversPerDay} that is accepted without more confirmations. */
export const acceptedPerDay = 1

/** Confirmations closer than this would share the fate of one packet. */
const shortestGap: Millis = 10

const withFall = (options: DetectorOptions, fall: number): DetectorOptions =>
  fall === options.fall ? options : { ...options, fall, gap: (replyWindow(options) - 2 * options.timeout) / (fall - 2) }

/**
 * The options for so many hosts: as few confirmations as keep {@link falseFailoversPerDay} within {@link acceptedPerDay}, or as many as fit. They
 * share the same time, so that the bound stays.
 */
export const forHosts = (options: DetectorOptions, hosts: number): DetectorOptions => {
  if (!options.grows || options.fall < 3) return options
  const room = replyWindow(options) - 2 * options.timeout
  const most = Math.max(options.fall, Math.floor(room / shortestGap) + 2)
  for (let fall = options.fall; fall < most; fall++) {
    const candidate = withFall(options, fall)
    if (falseFailoversPerDay(candidate, hosts) <= acceptedPerDay) return candidate
  }
  return withFall(options, most)
}
