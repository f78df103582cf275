import { heldOf } from "../domain/Decide.ts"
import { type GuardHold, guardHoldsOf } from "../domain/GuardHold.ts"
import type { Millis } from "../domain/Health.ts"
import { type Held, holdKey, holdWords } from "../domain/Hold.ts"
import { selectorWords, unmatchedSelectors } from "../domain/Policy.ts"
import type { World } from "../domain/World.ts"
import { anchorConditions } from "./AnchorConditions.ts"
import type { SourceStanding } from "../services/health/HealthSource.ts"
import type { RefreshState } from "./Refresher.ts"

/** Something that is not as it should be, for as long as it lasts. */
export interface Condition {
  /** Tells it from others over time. */
  readonly key: string
  readonly words: string
  /** How long it may last before it is worth a line. */
  readonly patience: Millis
  /** Something that is held; the rest concerns the daemon as a whole. */
  readonly isHold: boolean
  /** The hash that lets it go. A line with another one is of no use to the operator any more. */
  readonly hash?: string
}

interface Known extends Condition {
  readonly since: Millis
  /** Undefined: not logged yet. */
  readonly loggedAt: Millis | undefined
  /** The hash that its last line had. */
  readonly loggedHash: string | undefined
}

/** The conditions that hold at present, by key. */
export type Conditions = ReadonlyMap<string, Known>

/** A line for the log. */
export interface ConditionLine {
  readonly kind: "began" | "lasts" | "ended"
  readonly words: string
  readonly since: Millis
}

/** How often a condition that lasts is logged again. */
const repeatEvery: Millis = 5 * 60_000
/** And how soon when its hash is another one: hosts that die together are found within an interval of a second. */
const newHashEvery: Millis = 1_000
/** Lines of one kind in one pass, so that a thousand conflicts do not drown the rest. */
const mostLines = 50

const bounded = (
  kind: ConditionLine["kind"],
  lines: ReadonlyArray<Known>,
  now: Millis,
): ReadonlyArray<ConditionLine> => {
  const shown = lines.slice(0, mostLines).map(({ words, since }) => ({ kind, words, since }))
  const more = lines.length - shown.length
  return more > 0 ? [...shown, { kind, words: `… and ${more} more`, since: now }] : shown
}

/** When a condition is to be logged that was logged before. */
const againAt = ({ hash, loggedAt = 0, loggedHash }: Known): Millis =>
  loggedAt + (hash === loggedHash ? repeatEvery : newHashEvery)

/** When a line is due although nothing happens until then: to name the hash that lets go what is held. */
export const nextHashAt = (conditions: Conditions): Millis | undefined => {
  let first: Millis | undefined
  for (const known of conditions.values())
    if (known.loggedAt !== undefined && known.hash !== known.loggedHash)
      first = Math.min(first ?? Infinity, againAt(known))
  return first
}

/** The conditions as they are now, and what is to be logged: changes, new hashes, and every five minutes what lasts. */
export const observe = (
  before: Conditions,
  present: ReadonlyArray<Condition>,
  now: Millis,
): readonly [Conditions, ReadonlyArray<ConditionLine>] => {
  const after = new Map<string, Known>()
  const began: Array<Known> = []
  const lasts: Array<Known> = []
  for (const condition of present) {
    const known = before.get(condition.key)
    const since = known?.since ?? now
    const { loggedAt, loggedHash } = known ?? {}
    const next: Known = { ...condition, since, loggedAt, loggedHash }
    const isDue = loggedAt === undefined ? now - since >= condition.patience : now >= againAt(next)
    after.set(condition.key, isDue ? { ...next, loggedAt: now, loggedHash: condition.hash } : next)
    if (isDue) (loggedAt === undefined ? began : lasts).push(next)
  }
  const ended = [...before.values()].filter(({ key, loggedAt }) => loggedAt !== undefined && !after.has(key))
  return [after, [...bounded("began", began, now), ...bounded("lasts", lasts, now), ...bounded("ended", ended, now)]]
}

/** Since when a condition holds. */
export const sinceOf = (conditions: Conditions, key: string): Millis | undefined => conditions.get(key)?.since

/** What every start and every new host goes through is worth a line only when it lasts. */
const usualForAMoment: ReadonlySet<Held["reason"]["_tag"]> = new Set<Held["reason"]["_tag"]>([
  "HealthUnknown",
  "FirstAnswer",
  "Unproven",
  "Blackhole",
  "Unanswered",
])
const moment: Millis = 10_000

/** What a guard holds is said once, for all of it. */
const saidByGuard: ReadonlySet<Held["reason"]["_tag"]> = new Set<Held["reason"]["_tag"]>([
  "MonitorCutOff",
  "AfterCutOff",
  "MassFailure",
  "FailoverLimit",
])

const patienceOf = ({ reason: { _tag } }: Held): Millis =>
  saidByGuard.has(_tag) ? Infinity : usualForAMoment.has(_tag) ? moment : 0

/** The key of a guard's condition. */
export const guardKey = ({ kind }: Pick<GuardHold, "kind">): string => `guard ${kind}`

/** How long a guard's hold may last before it is told as one: deletions that wait are told one by one. */
const patienceOfGuard = ({ kind }: GuardHold): Millis => (kind === "DeletionBrake" ? Infinity : 0)

/** What the guards hold. */
const guardConditions = (world: World): ReadonlyArray<Condition> =>
  guardHoldsOf(world).flatMap((hold) =>
    hold.isCertain
      ? [
          {
            key: guardKey(hold),
            words: `held: ${hold.words}`,
            patience: patienceOfGuard(hold),
            isHold: true,
            hash: hold.hash,
          },
        ]
      : [],
  )

/** A source that is down says so itself; this is for those who read the log later. */
const sourcePatience: Millis = 60_000

/** One that is down while others are up; that all are down is said elsewhere. */
const brokenSources = (standings: ReadonlyArray<SourceStanding>): ReadonlyArray<Condition> =>
  standings.every(({ state }) => state._tag === "Down")
    ? []
    : standings.flatMap(({ name, state }) =>
        state._tag === "Up"
          ? []
          : [
              {
                key: `check ${name}`,
                words: `the check ${name} is down and has no say: ${state.why}`,
                patience: sourcePatience,
                isHold: false,
              },
            ],
      )

/** Hosts that a source does not watch. Each is told as it turns up; this is for those who read the log later. */
const unwatchedHosts = (standings: ReadonlyArray<SourceStanding>): ReadonlyArray<Condition> =>
  standings.flatMap(({ name, unwatched }) => {
    if (unwatched === undefined || unwatched.count === 0) return []
    const { count, first } = unwatched
    const more = count > first.length ? ` and ${count - first.length} more` : ""
    const hosts = count === 1 ? "a host is" : `${count} hosts are`
    const words = `${hosts} not watched by ${name}: ${first.join(", ")}${more}`
    return [{ key: `unwatched ${name}`, words, patience: sourcePatience, isHold: false }]
  })

/** What is seen now and then on any busy machine is not worth a line. */
const worthALine: Millis = 500

/** Sources that could see nothing lately, and so judged no host meanwhile. */
const heldUpSources = (standings: ReadonlyArray<SourceStanding>): ReadonlyArray<Condition> =>
  standings.flatMap(({ heldUp, name }) => {
    const { last, lately } = heldUp ?? {}
    if (last === undefined || lately === undefined || lately.millis < worthALine) return []
    const often = lately.times === 1 ? "once" : `${lately.times} times`
    const words = `the check ${name} was held up ${often}, ${Math.round(lately.millis)} ms in all, and judged no host by that time: ${last.why}`
    return [{ key: `held up ${name}`, words, patience: 0, isHold: false }]
  })

/** What is not as it should be: readings of EC2 that fail or take long, health sources that are down, tables that are not there, and everything that is held. */
export const conditionsOf = (
  world: World,
  { failing, takesOver }: RefreshState,
  standings: ReadonlyArray<SourceStanding>,
): ReadonlyArray<Condition> => {
  const held = heldOf(world).map((hold) => ({
    key: holdKey(hold),
    words: `held: ${hold.cidr}${hold.table === undefined ? "" : ` in ${hold.table}`}: ${holdWords(hold.reason)}`,
    patience: patienceOf(hold),
    isHold: true,
    ...(hold.reason._tag === "DeletionBrake" ? { hash: hold.reason.hash } : {}),
  }))
  const index = world.reading?.index
  const ofDaemon: Array<Condition> = [
    ...guardConditions(world),
    ...anchorConditions(world),
    ...brokenSources(standings),
    ...unwatchedHosts(standings),
    ...heldUpSources(standings),
  ]
  const add = (key: string, words: string) => ofDaemon.push({ key, words, patience: 0, isHold: false })
  if (failing !== undefined)
    add("ec2", `EC2 cannot be read: ${failing.error.operation}: ${failing.error.code}: ${failing.error.message}`)
  if (takesOver !== undefined)
    add("ec2 late", `a reading of EC2 takes longer than ${takesOver / 1_000} s; until it is whole the last one stands`)
  if (index?.tables.length === 0) add("scope", `no route table of ${index.vpc.id} is in scope: nothing is managed`)
  if (index !== undefined)
    for (const selector of unmatchedSelectors(world.policy, index.vpc.tables.values())) {
      const words = selectorWords(selector)
      add(`tables ${words}`, `--tables ${words} matches no route table of ${index.vpc.id}`)
    }
  return [...ofDaemon, ...held]
}
