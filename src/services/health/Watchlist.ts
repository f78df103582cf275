import {
  type Detector,
  isAwaited,
  isAwaiting,
  Observation,
  observe,
  overdue,
  reprieved,
  watched,
} from "../../domain/Detector.ts"
import { type DetectorOptions, forHosts } from "../../domain/DetectorOptions.ts"
import { type Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { stableNumber } from "../../domain/StableHash.ts"
import type { ChangedVerdicts } from "./ChangedVerdicts.ts"
import { DueQueue } from "./DueQueue.ts"
import type { ProbeRequest } from "./Probe.ts"
import { ProbeCounts } from "./ProbeMetrics.ts"
import { RollCall } from "./RollCall.ts"
import { Silences } from "./Silences.ts"
import { UntoldFailures } from "./UntoldFailures.ts"

// Taken out once, as each packet is one of these.
const { Replied, Sent } = Observation

interface Watched {
  readonly host: Ip
  detector: Detector
  sequence: number
  due: Millis
  sentAt: Millis
}

/** Probes of hosts that answer wait for the next of so many moments in an interval, so that one wake sends those of several hosts. */
const momentsPerInterval = 100

/** When such a probe goes out, never later than an interval after the one before. Others go out when they are due. */
const momentOf = (
  { interval }: DetectorOptions,
  { pending, verdict }: Detector,
  due: Millis,
  sentAt: Millis,
): Millis => {
  if (verdict._tag === "Healthy" && pending.length > 0) return due
  const grain = interval / momentsPerInterval
  return Math.max(due, Math.min(Math.ceil(due / grain) * grain, sentAt + interval))
}

/** Anchors are asked again at once when a host falls silent, though not more often than this. */
const anchorPause: Millis = 100

/** Since when a healthy host misses probes, or answers not well; undefined: it does neither, or is not healthy. */
const doubtOf = ({ misses, silentSince, verdict }: Detector): Millis | undefined =>
  verdict._tag === "Healthy" && misses > 0 ? silentSince : undefined

/** The same of an anchor: one that answers proves the way to it, however it answers. */
const silenceOf = (detector: Detector): Millis | undefined =>
  detector.rejection === undefined ? doubtOf(detector) : undefined

const withSilence = (verdict: Verdict, silentSince: Millis | undefined): Verdict =>
  verdict._tag === "Healthy" && silentSince !== undefined
    ? Verdict.Healthy({ since: verdict.since, silentSince })
    : verdict

/** So long at most a failure waits until others had their say: what it takes to ask some, and then 5,000, and to wait for the answers. */
const longestWait: Millis = 350

const nobody = { othersAnsweredAt: undefined, othersAnswerSince: undefined }

/** When nobody answered for so many intervals, it is a new beginning for hosts that never did. */
const quietIntervals = 3

/** First probes go out this far apart, or closer where that many hosts would not fit into one interval. */
const spacing: Millis = 1

/**
 * All watched hosts of one source: a detector each, and when each is due. Changed verdicts go to `changed`. The more hosts, the
 * more confirmations ({@link forHosts}). `seed` is what the jitter of the probes is drawn from. `anchors` are watched like hosts, at all
 * times; what changes of them goes to `anchorsChanged`, every silence included.
 *
 * Mutable and synchronous, so that a reply costs no more than its detector; it reads no clock. Its memory is bounded by the
 * number of hosts.
 */
export class Watchlist {
  readonly counts = new ProbeCounts()
  readonly #given: DetectorOptions
  readonly #seed: number
  readonly #hosts = new Map<Ip, Watched>()
  readonly #queue = new DueQueue<Watched>()
  readonly #changed: ChangedVerdicts
  readonly #anchorsChanged: ChangedVerdicts
  readonly #anchors: ReadonlySet<Ip>
  readonly #silences = new Silences()
  /** Those with a probe that was neither answered nor missed, and some whose time is over. */
  readonly #awaited = new Set<Watched>()
  readonly #rollCall = new RollCall()
  readonly #untold = new UntoldFailures()
  #wanted: ReadonlySet<Ip> = new Set()
  #hasDoubts = false
  /** When the last silence began that was confirmed, and that made a host failed. */
  #confirmed: Millis = -Infinity
  #failed: Millis = -Infinity
  /** Until when failures of hosts that were unknown are gathered. */
  #gathersUntil: Millis = -Infinity
  #anchorsAskedAt = -Infinity
  #options: DetectorOptions
  /** When any of them answered last, and since when there always was one that did. */
  #others: { readonly othersAnsweredAt: Millis | undefined; readonly othersAnswerSince: Millis | undefined } = nobody

  constructor(
    options: DetectorOptions,
    changed: ChangedVerdicts,
    seed: number,
    anchors: ReadonlySet<Ip> = new Set(),
    anchorsChanged: ChangedVerdicts = changed,
  ) {
    this.#given = options
    this.#options = forHosts(options, 0)
    this.#seed = seed
    this.#changed = changed
    this.#anchors = anchors
    this.#anchorsChanged = anchorsChanged
  }

  /** How the hosts are watched, being so many. */
  get options(): DetectorOptions {
    return this.#options
  }

  get size(): number {
    return this.#hosts.size
  }

  /** When the next probe is due, or the next look at what has become of one, or a failure is to be told; `Infinity` without hosts. */
  get earliest(): Millis {
    return Math.min(this.#queue.earliest, this.#untold.earliest)
  }

  /** Whether a reply may still come in time. */
  awaits(now: Millis): boolean {
    for (const entry of this.#awaited) {
      if (entry.detector.pending.some(({ deadline, missed }) => !missed && deadline > now)) return true
      this.#awaited.delete(entry)
    }
    return false
  }

  /** Replaces the set of hosts. Those that stay keep what is known of them and their rhythm. */
  watch(hosts: ReadonlySet<Ip>, now: Millis): void {
    const all = new Set([...hosts, ...this.#anchors])
    for (const host of this.#hosts.keys()) {
      if (hosts.has(host)) continue
      this.#changed.forget(host)
      this.#untold.forget(host)
      this.#rollCall.settled(host, false)
      for (const other of this.#silences.note(host, undefined, hosts.size)) this.#tell(other)
      if (!all.has(host)) this.#remove(host)
    }
    const known = [...hosts].filter((host) => !this.#wanted.has(host) && this.#hosts.has(host))
    this.#wanted = new Set(hosts)
    const added = [...all].filter((host) => !this.#hosts.has(host)).sort()
    const fresh = added.map((host): Watched => {
      const seed = (stableNumber(host) ^ this.#seed) >>> 0
      return { host, detector: watched(now, seed), sequence: 0, due: now, sentAt: now }
    })
    for (const entry of fresh) {
      this.#hosts.set(entry.host, entry)
      this.#tell(entry.host)
    }
    for (const host of known) this.#tell(host)
    this.#options = forHosts(this.#given, this.#hosts.size)
    this.#spread(fresh, now)
    this.#requeue()
  }

  /** Spreads the next probes of all hosts anew, as after a pause that made all of them due at once. */
  restart(now: Millis): void {
    this.#spread([...this.#hosts.values()], now)
    this.#requeue()
  }

  /** The probes due at `now`, at most `limit`: they count as sent. */
  take(now: Millis, limit: number): ReadonlyArray<ProbeRequest> {
    const batch: Array<ProbeRequest> = []
    while (batch.length < limit) {
      const entry = this.#queue.take(now)
      if (entry === undefined) break
      const { host, sequence } = entry
      entry.sequence = (sequence + 1) & 0xffff
      entry.sentAt = now
      this.counts.missed += overdue(entry.detector, now).length
      this.#observe(entry, Sent({ sequence, ...this.#others }), now)
      this.#queue.add(entry)
      batch.push({ host, sequence })
    }
    this.counts.sent += batch.length
    if (this.#hasDoubts) this.#askAround(now)
    this.#tellFailures(now)
    return batch
  }

  /** A reply; one from a host that is not watched, or to no pending probe, changes nothing. */
  replied(host: Ip, sequence: number, at: Millis): void {
    const entry = this.#hosts.get(host)
    if (entry === undefined) return
    const failedOf = this.#untold.before(host)
    const before = failedOf === undefined ? entry.detector : reprieved(failedOf, entry.detector)
    if (!isAwaited(this.#options, before, sequence, at)) return
    entry.detector = before
    this.#observe(entry, Replied({ sequence }), at)
    if (failedOf !== undefined) this.#takeBack(host)
    this.#heard(at)
    this.counts.answered++
    this.#tellFailures(at)
  }

  /** A probe that was answered, but not well: one to no pending probe changes nothing. Gives whether others are to be asked now. */
  rejected(host: Ip, sequence: number, why: string, now: Millis): boolean {
    const entry = this.#hosts.get(host)
    if (entry === undefined) return false
    const { misses } = entry.detector
    this.#observe(entry, Observation.Rejected({ sequence, why }), now)
    this.counts.missed += Math.max(0, entry.detector.misses - misses)
    const asks = this.#hasDoubts && this.#askAround(now)
    this.#tellFailures(now)
    return asks
  }

  /** A probe that did not leave this machine. */
  unsent(host: Ip, sequence: number, now: Millis): void {
    this.counts.unsent++
    const entry = this.#hosts.get(host)
    if (entry !== undefined) this.#observe(entry, Observation.Unsent({ sequence }), now)
  }

  /** The prober was held up from `from` to `to`. */
  blind(from: Millis, to: Millis, why: string): void {
    this.counts.blind.add(from, to, why)
    const blind = Observation.Blind({ from, to })
    for (const entry of this.#hosts.values()) this.#observe(entry, blind, to)
    if (to - from <= this.#options.timeout) return
    this.#rollCall.reset()
    this.#untold.postpone(to - from)
    this.restart(to)
  }

  /** Says the verdict of every host again. */
  repeat(): void {
    for (const host of this.#hosts.keys()) this.#tell(host)
  }

  /** The source cannot tell anything: every verdict becomes unknown, and is said again. */
  down(now: Millis): void {
    const down = Observation.SourceDown()
    for (const entry of this.#hosts.values()) this.#observe(entry, down, now)
    this.#others = nobody
    this.#rollCall.reset()
    this.repeat()
  }

  #remove(host: Ip): void {
    const entry = this.#hosts.get(host)
    if (entry === undefined) return
    this.#hosts.delete(host)
    this.#awaited.delete(entry)
  }

  #observe(entry: Watched, observation: Observation, now: Millis): void {
    const { host } = entry
    const before = entry.detector
    const [detector, verdict, nextProbeAt] = observe(this.#options, before, observation, now)
    entry.detector = detector
    entry.due = momentOf(this.#options, detector, nextProbeAt, entry.sentAt)
    if (isAwaiting(detector)) this.#awaited.add(entry)
    else this.#awaited.delete(entry)
    const silentSince = doubtOf(detector)
    const turned = (silentSince === undefined) !== (doubtOf(before) === undefined)
    const isAnchorTurned = (silenceOf(detector) === undefined) !== (silenceOf(before) === undefined)
    if (this.#wanted.has(host)) {
      if (turned && detector.verdict._tag === "Failed") this.#silences.failed(host)
      else if (turned) for (const other of this.#silences.note(host, silentSince, this.#wanted.size)) this.#tell(other)
      this.#doubt(host, before, detector, now)
    }
    if (verdict !== undefined || (isAnchorTurned && this.#anchors.has(host))) this.#tell(host)
    const isMissed = detector.misses > 0
    const isOver = observation._tag === "Replied" || observation._tag === "Unsent"
    const isAnswered = isOver && detector.pending.length === 0
    const isVoid = detector.verdict._tag !== "Healthy"
    if (isMissed || isAnswered || isVoid) this.#rollCall.settled(host, isMissed)
  }

  /** What an observation gives cause to ask others for, and what is not told before they had their say. */
  #doubt(host: Ip, before: Detector, { misses, silentSince, verdict, watchedSince }: Detector, now: Millis) {
    if (silentSince === undefined || misses <= before.misses) return
    if (verdict._tag === "Healthy") {
      this.#hasDoubts = true
      if (misses >= 2) this.#confirmed = Math.max(this.#confirmed, silentSince)
    }
    if (verdict._tag !== "Failed" || before.verdict._tag === "Failed") return
    const wasHealthy = before.verdict._tag === "Healthy"
    if (wasHealthy) {
      this.#hasDoubts = true
      this.#confirmed = Math.max(this.#confirmed, silentSince)
      this.#failed = Math.max(this.#failed, silentSince)
      const meanwhile = withSilence(before.verdict, silentSince)
      this.#untold.add(host, { silentSince, before, meanwhile, until: now + longestWait, isTimed: false })
      return
    }
    // The probe that goes out with the failure can still be answered.
    const { interval, timeout } = this.#options
    if (now + timeout > this.#gathersUntil) this.#gathersUntil = now + interval + 2 * timeout
    const meanwhile = Verdict.Unknown({ since: watchedSince })
    this.#untold.add(host, { silentSince, before, meanwhile, until: this.#gathersUntil, isTimed: true })
  }

  #heard(at: Millis): void {
    const { othersAnsweredAt: last = -Infinity, othersAnswerSince: since } = this.#others
    const isPause = at - last > quietIntervals * this.#options.interval
    this.#others = { othersAnsweredAt: at, othersAnswerSince: isPause ? at : since }
  }

  /** A failure that nobody was told of is none, since the host answers. */
  #takeBack(host: Ip): void {
    this.#untold.forget(host)
    this.#tell(host)
  }

  /** Tells the failures of which others had their say. */
  #tellFailures(now: Millis): void {
    for (const [host, { isTimed }] of this.#untold.take(this.#rollCall, now)) {
      if (isTimed) this.#dateFailure(host, now)
      this.#tell(host)
    }
  }

  /** Failures that were gathered count from when they are told: the first must not be too old to have come with the last. */
  #dateFailure(host: Ip, now: Millis): void {
    const entry = this.#hosts.get(host)
    const verdict = entry?.detector.verdict
    if (entry === undefined || verdict?._tag !== "Failed") return
    entry.detector = { ...entry.detector, verdict: Verdict.Failed({ ...verdict, since: now }) }
  }

  /** What is to be said of a host or anchor now. */
  #tell(host: Ip): void {
    const detector = this.#hosts.get(host)?.detector
    if (detector === undefined) return
    if (detector.verdict._tag !== "Failed") this.#untold.forget(host)
    const told = this.#untold.meanwhile(host) ?? withSilence(detector.verdict, this.#silences.told(host))
    if (this.#wanted.has(host)) this.#changed.set(host, told)
    if (this.#anchors.has(host)) this.#anchorsChanged.set(host, withSilence(detector.verdict, silenceOf(detector)))
  }

  /** Some host has fallen silent, or answers not well: asks the anchors now, and others if nobody was asked since. */
  #askAround(now: Millis): boolean {
    this.#hasDoubts = false
    const of = this.#wanted.size
    const doubt = { of, isCrowd: this.#silences.isCrowd(of), confirmed: this.#confirmed, failed: this.#failed }
    const whom = this.#rollCall.due(doubt, this.#options.interval, now)
    const asksAnchors = this.#anchors.size > 0 && now - this.#anchorsAskedAt >= anchorPause
    if (whom === undefined && !asksAnchors) return false
    if (asksAnchors) this.#anchorsAskedAt = now
    const all = [...this.#hosts.values()]
    const asked = new Set(whom === undefined ? [] : this.#rollCall.chosen(whom, all))
    const awaited = new Set<Ip>()
    for (const entry of all) {
      const { misses, pending, verdict } = entry.detector
      const isAsked = asked.has(entry) || this.#anchors.has(entry.host)
      if (!isAsked || verdict._tag !== "Healthy" || misses > 0) continue
      if (pending.length === 0) entry.due = now
      awaited.add(entry.host)
    }
    if (whom !== undefined) this.#rollCall.ask(whom, awaited, now)
    this.#requeue()
    return true
  }

  #spread(entries: ReadonlyArray<Watched>, now: Millis): void {
    const gap = Math.min(spacing, this.#options.interval / Math.max(1, entries.length))
    entries.forEach((entry, index) => {
      entry.due = now + index * gap
    })
  }

  // The queue wants no item to move earlier, so whatever may do that fills it anew.
  #requeue(): void {
    this.#queue.clear()
    for (const entry of this.#hosts.values()) this.#queue.add(entry)
  }
}
