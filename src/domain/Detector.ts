import { Data } from "effect"
import { type DetectorOptions, replyWindow } from "./DetectorOptions.ts"
import { type Millis, Verdict } from "./Health.ts"
import { fractionOf } from "./StableHash.ts"

/** A probe that can still be answered. `deadline` is when it counts as missed; blind time moves it. */
export interface PendingProbe {
  readonly sequence: number
  readonly sentAt: Millis
  readonly deadline: Millis
  readonly missed: boolean
  /** When any other host of this source had last answered by then. */
  readonly othersAnsweredAt: Millis | undefined
  /** Since when they did, as {@link Observation} has it. */
  readonly othersAnswerSince: Millis | undefined
}

/** What is known of one host. A value: observing gives a new one. */
export interface Detector {
  readonly verdict: Verdict
  readonly watchedSince: Millis
  /** What the jitter of its rhythm is drawn from; any 32-bit number. */
  readonly seed: number
  /** Whether it ever gave a good reply. */
  readonly answered: boolean
  /** Good replies in a row, and how many it takes to become healthy. */
  readonly good: number
  readonly needed: number
  /** Misses in a row, and when the first probe of this silence was sent. */
  readonly misses: number
  readonly silentSince: Millis | undefined
  /** Why the last answer was no good one, if the last miss was such an answer. */
  readonly rejection: string | undefined
  /** Oldest first; those that came before a good reply are forgotten. */
  readonly pending: ReadonlyArray<PendingProbe>
  /** When a reply or a miss last said something of the host. */
  readonly judgedAt: Millis
  readonly nextProbeAt: Millis
}

/** What the prober saw. */
export type Observation = Data.TaggedEnum<{
  /**
   * A probe goes out now. `othersAnsweredAt` is when any other host of this source last answered; `othersAnswerSince` since when
   * there always was one that did; undefined: since before this one was watched.
   */
  Sent: {
    readonly sequence: number
    readonly othersAnsweredAt: Millis | undefined
    readonly othersAnswerSince?: Millis | undefined
  }
  /** A good reply to that probe arrived now. One that answers no pending probe changes nothing. */
  Replied: { readonly sequence: number }
  /** That probe was answered now, but not as a host that is well does: it is missed at once, for the reason `why`. */
  Rejected: { readonly sequence: number; readonly why: string }
  /** That probe never left this machine (no buffer, no route): it says nothing of the host. */
  Unsent: { readonly sequence: number }
  /** The prober was stopped or blocked in that time, which therefore says nothing. */
  Blind: { readonly from: Millis; readonly to: Millis }
  /** The source cannot tell anything any more. */
  SourceDown: {}
}>
export const Observation = Data.taggedEnum<Observation>()

/** The next state, the verdict if it changed, and when the next probe is due unless something is observed before. */
export type Step = readonly [detector: Detector, verdict: Verdict | undefined, nextProbeAt: Millis]

/** A host that begins to be watched: unknown, to be probed at once. */
export const watched = (now: Millis, seed = 0): Detector => ({
  verdict: Verdict.Unknown({ since: now }),
  watchedSince: now,
  seed,
  answered: false,
  good: 0,
  needed: 1,
  misses: 0,
  silentSince: undefined,
  rejection: undefined,
  pending: [],
  judgedAt: now,
  nextProbeAt: now,
})

/**
 * Learns from one observation. The rules:
 *
 * | verdict | rhythm | becomes |
 * |---|---|---|
 * | Unknown | `interval` | Healthy on the first good reply (after `rise` if it was Failed before the source went down) |
 * | Unknown | `interval` | Failed after `fall` misses, `grace` after it began to be watched and others began to answer, if it missed a probe that went out after another host answered in its silence |
 * | Healthy | `interval`; `timeout` after a silent probe, then every `gap` | Failed after `fall` misses in a row; any good reply clears them |
 * | Failed | `interval` | Healthy after `rise` good replies in a row |
 * | any but Unknown | | Unknown when the source is down, or nothing could be sent for `grace` |
 *
 * Each `interval` is shortened by a random share of it, up to `jitter`, so that a host that comes and goes in step with the
 * probes is seen to miss some. It would answer the confirmations again and again, since they always find it at the same
 * moment of its period: so the interval after a silence that ended is shortened by up to nine times as much.
 *
 * A good reply answers a pending probe within {@link replyWindow}. It proves that the host lived after that probe was sent,
 * so later misses stand and earlier ones do not.
 *
 * An answer that is rejected is a miss without the wait for the timeout. It proves besides that the way to the host works, so
 * that a host that never gave a good one fails after `grace` whether others answer or not.
 *
 * A blind window up to `timeout` long is added to the time that pending probes have: replies wait in the socket's buffer
 * meanwhile, and a process that stumbles all the time still comes to verdicts. A longer one voids the pending probes together
 * with the misses before it, since the buffer may have overflowed, or the whole machine been suspended.
 */
export const observe = (options: DetectorOptions, state: Detector, observation: Observation, now: Millis): Step => {
  const next = learn(options, state, observation, now)
  return [next, next.verdict === state.verdict ? undefined : next.verdict, next.nextProbeAt]
}

const learn = (options: DetectorOptions, state: Detector, observation: Observation, now: Millis): Detector => {
  switch (observation._tag) {
    case "Sent":
      return sent(options, judged(options, state, now), observation, now)
    case "Replied":
      return replied(options, state, observation.sequence, now)
    case "Rejected":
      return rejected(options, state, observation.sequence, observation.why, now)
    case "Unsent":
      return unsent(options, state, observation.sequence, now)
    case "Blind":
      return blind(options, state, observation.from, observation.to)
    case "SourceDown":
      return forgotten(state)
  }
}

const none: ReadonlyArray<PendingProbe> = []

/** The probes whose time is over at `now`, and which were not counted as missed before. */
export const overdue = ({ pending }: Detector, now: Millis): ReadonlyArray<PendingProbe> =>
  pending.length === 0 ? none : pending.filter((probe) => !probe.missed && probe.deadline <= now)

/** Whether there is a probe that was neither answered nor missed. */
export const isAwaiting = ({ pending }: Detector): boolean => pending.some(({ missed }) => !missed)

/** Counts the probes whose time is over as misses, and draws the conclusion. */
const judged = (options: DetectorOptions, state: Detector, now: Millis, rejection?: string): Detector => {
  // As a rule the last probe was answered when the next one goes out.
  if (state.pending.length === 0) return state
  const missed = overdue(state, now)
  const [first] = missed
  const rest = replyWindow(options) - options.timeout
  const pending = state.pending
    .filter((probe) => probe.deadline + rest > now)
    .map((probe) => (!probe.missed && probe.deadline <= now ? { ...probe, missed: true } : probe))
  if (first === undefined) return pending.length === state.pending.length ? state : { ...state, pending }
  const misses = state.misses + missed.length
  const silentSince = state.silentSince ?? first.sentAt
  const silent = { ...state, pending, misses, silentSince, rejection, good: 0, judgedAt: now }
  // When others have just begun to answer, this one may, too: only a probe from after that tells.
  const monitorHears =
    rejection !== undefined ||
    missed.some(({ othersAnsweredAt }) => othersAnsweredAt !== undefined && othersAnsweredAt >= silentSince)
  // Nor is it known before that whether the way to it works, or nobody is heard at all.
  const others = rejection === undefined ? missed.map(({ othersAnswerSince = -Infinity }) => othersAnswerSince) : []
  const heardSince = Math.max(state.watchedSince, ...others)
  const silentForGood =
    state.verdict._tag === "Healthy" ||
    (state.verdict._tag === "Unknown" && now - heardSince >= options.grace && monitorHears)
  if (misses < options.fall || !silentForGood) return silent
  const seconds = Math.round((now - silentSince) / 10) / 100
  const probes = `${misses} ${misses === 1 ? "probe" : "probes"} in ${seconds} s`
  const reason =
    rejection !== undefined
      ? `${rejection}: no good answer to ${probes}`
      : state.answered
        ? `no reply to ${probes}`
        : "never answered: check its security group"
  const verdict = Verdict.Failed({ since: now, reason, silentSince })
  return { ...silent, verdict, pending: [], needed: options.rise }
}

/**
 * The detector of a host that has just failed, as if it had not: what it missed stays missed, and the probes that were under way can
 * still be answered. `before` is its state before the observation that made it `failed`.
 */
export const reprieved = (before: Detector, failed: Detector): Detector => ({
  ...failed,
  verdict: before.verdict,
  needed: before.needed,
  pending: [...before.pending.map((probe) => ({ ...probe, missed: true })), ...failed.pending],
})

/** Whether a good reply to that probe would say something now. */
export const isAwaited = (options: DetectorOptions, { pending }: Detector, sequence: number, now: Millis): boolean => {
  const rest = replyWindow(options) - options.timeout
  return pending.some((probe) => probe.sequence === sequence && now <= probe.deadline + rest)
}

const sent = (
  options: DetectorOptions,
  state: Detector,
  { othersAnsweredAt, othersAnswerSince, sequence }: Extract<Observation, { readonly _tag: "Sent" }>,
  now: Millis,
): Detector => {
  const deadline = now + options.timeout
  const probe = { sequence, sentAt: now, deadline, missed: false, othersAnsweredAt, othersAnswerSince }
  const pending = state.pending.length === 0 ? [probe] : [...state.pending, probe]
  return { ...state, pending, nextProbeAt: now + untilNext(options, state, pending, sequence) }
}

/** From a probe to the next one, or to the look at what has become of it, unless a reply comes before. */
const untilNext = (
  options: DetectorOptions,
  { misses, seed, verdict }: Detector,
  pending: ReadonlyArray<PendingProbe>,
  sequence: number,
): Millis => {
  if (verdict._tag !== "Healthy") return spacing(options, seed, sequence)
  // Enough are under way to judge it: the verdict waits for the last of them, and not for the next gap.
  const enough = misses + pending.filter(({ missed }) => !missed).length >= options.fall
  return misses === 0 || enough ? options.timeout : options.gap
}

/** From this probe to the next one in the calm rhythm. */
const spacing = ({ interval, jitter }: DetectorOptions, seed: number, sequence: number): Millis =>
  jitter === 0 ? interval : interval * (1 - jitter * fractionOf(seed, sequence))

/** After a silence that ended the next probe comes at almost any moment of the interval: see {@link observe}. */
const restless = (options: DetectorOptions): DetectorOptions => ({
  ...options,
  jitter: Math.min(0.9, 9 * options.jitter),
})

const replied = (options: DetectorOptions, state: Detector, sequence: number, now: Millis): Detector => {
  const probe = state.pending.find((candidate) => candidate.sequence === sequence)
  const rest = replyWindow(options) - options.timeout
  if (probe === undefined || now > probe.deadline + rest) return state
  const later = state.pending.filter(({ sentAt }) => sentAt > probe.sentAt)
  const last = state.pending.at(-1) ?? probe
  const missedLater = later.filter(({ missed }) => missed)
  const good = state.good + 1
  const rises = state.verdict._tag !== "Healthy" && good >= state.needed
  return {
    ...state,
    verdict: rises ? Verdict.Healthy({ since: now }) : state.verdict,
    answered: true,
    good: missedLater.length === 0 ? good : 0,
    needed: rises ? 1 : state.needed,
    misses: missedLater.length,
    silentSince: missedLater[0]?.sentAt,
    rejection: undefined,
    pending: later,
    judgedAt: now,
    nextProbeAt: last.sentAt + spacing(state.misses > 0 ? restless(options) : options, state.seed, last.sequence),
  }
}

const rejected = (options: DetectorOptions, state: Detector, sequence: number, why: string, now: Millis): Detector => {
  const probe = state.pending.find((candidate) => candidate.sequence === sequence)
  if (probe === undefined) return state
  if (probe.missed) return { ...state, rejection: why }
  const pending = state.pending.map((one) => (one === probe ? { ...one, deadline: Math.min(one.deadline, now) } : one))
  return judged(options, { ...state, pending }, now, why)
}

const unsent = (options: DetectorOptions, state: Detector, sequence: number, now: Millis): Detector => {
  if (!state.pending.some((probe) => probe.sequence === sequence)) return state
  const stale = now - state.judgedAt >= options.grace
  const kept = {
    ...state,
    pending: state.pending.filter((probe) => probe.sequence !== sequence),
    nextProbeAt: now + spacing(options, state.seed, sequence),
  }
  return stale ? forgotten(kept) : kept
}

const blind = (options: DetectorOptions, state: Detector, from: Millis, to: Millis): Detector => {
  if (to - from > options.timeout)
    return { ...state, misses: 0, silentSince: undefined, rejection: undefined, pending: [], nextProbeAt: to }
  const pending = state.pending.map((probe) =>
    probe.missed || probe.deadline <= from || probe.sentAt >= to
      ? probe
      : { ...probe, deadline: probe.deadline + to - Math.max(from, probe.sentAt) },
  )
  const last = state.pending.at(-1)
  // What waits for a pending probe waits as much longer as that probe has.
  const waits = state.verdict._tag === "Healthy" && last !== undefined && !last.missed && state.nextProbeAt > from
  const nextProbeAt = waits ? state.nextProbeAt + to - Math.max(from, last.sentAt) : state.nextProbeAt
  return { ...state, pending, nextProbeAt }
}

const forgotten = (state: Detector): Detector => ({
  ...state,
  verdict: state.verdict._tag === "Unknown" ? state.verdict : Verdict.Unknown({ since: state.watchedSince }),
  good: 0,
  misses: 0,
  silentSince: undefined,
  rejection: undefined,
  pending: [],
})
