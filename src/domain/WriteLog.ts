import type { Millis } from "./Health.ts"
import type { StandingRoute } from "./VpcIndex.ts"

/**
 * EC2's readings can be older than our writes, for seconds as a rule and for minutes on bad days. For a while a reading
 * that shows what a cell held before our write is therefore taken for an old reading.
 */
export const staleHorizon: Millis = 5 * 60_000

/** How long a cell that others changed is remembered, so that a tug of war is noticed. */
const contentionMemory: Millis = 60 * 60_000

/** How long an unchanged reading is taken for stale before the write is made again; doubles with every reversal. */
const firstPatience: Millis = 10_000
const longestPatience: Millis = 5 * 60_000

/**
 * How long EC2's word, in its answer to a write, is believed against readings; doubles with every such answer. With the
 * first patience a write is asked for again 10, 50, 130 and 290 s after it was done, while readings are five minutes old.
 */
const firstTrust: Millis = 40_000

const patience = (reversals: number): Millis => Math.min(longestPatience, firstPatience * 2 ** Math.min(reversals, 10))

/** How many earlier contents of a cell are kept to recognise an old reading. */
const historyLength = 5

/** What a later write of ours would have left in a cell, of which no answer tells whether it was done. */
export interface Attempt {
  readonly route: StandingRoute | undefined
  /** When the last try of it ended. */
  readonly at: Millis
  /** No reading since then tells, either. */
  readonly isOpen: boolean
}

/** EC2's word that a cell is as the log has it, and not as readings show it. */
export interface Proof {
  readonly at: Millis
  /** How often it has said so. */
  readonly times: number
}

/** A route of another kind that a reading showed since our last write to the cell. */
export interface Foreign {
  readonly route: StandingRoute
  /** When the last reading that showed it began. */
  readonly at: Millis
}

/** Our last write to one cell, and what readings made of it since. `undefined` as a route: none. */
export interface LogEntry {
  /** What we wrote; of a cell that we have not written lately, what the last reading showed. */
  readonly written: StandingRoute | undefined
  readonly before: ReadonlyArray<StandingRoute | undefined>
  readonly at: Millis
  /**
   * - `read`: it is no write of ours.
   * - `written`: no reading speaks against it yet.
   * - `stale`: the last reading shows what was there before, which a stale reading would.
   * - `confirmed`: the last reading shows it.
   * - `old`: readings go on showing what was there before, longer than a stale reading would.
   * - `changed`: the last reading shows something else, written by somebody else.
   */
  readonly shown: "read" | "written" | "stale" | "confirmed" | "old" | "changed"
  /** How often the cell was found changed after a write of ours. */
  readonly reversals: number
  /** The last one last. */
  readonly attempted?: ReadonlyArray<Attempt> | undefined
  readonly proof?: Proof | undefined
  /** While a reading that shows a route of ours may be older than the one that showed this; the entry is `changed` so long. */
  readonly foreign?: Foreign | undefined
}

/** The content of a cell: `present` is what is compared with the plan, `believed` what counts as our intention. */
export interface CellContent {
  readonly present: StandingRoute | undefined
  readonly believed: StandingRoute | undefined
  /** What may stand there instead: writes of ours may have been done, and neither an answer nor a reading tells. Not empty. */
  readonly attempted?: ReadonlyArray<StandingRoute | undefined> | undefined
  /** `present` is of another kind, and the last reading shows one of ours: it may be the older of the two. */
  readonly isDisputed?: boolean
}

const same = (a: StandingRoute | undefined, b: StandingRoute | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.interfaceId === b.interfaceId && a.owned === b.owned

const distinct = (contents: ReadonlyArray<StandingRoute | undefined>): ReadonlyArray<StandingRoute | undefined> =>
  contents.filter((one, i) => contents.findIndex((other) => same(one, other)) === i)

/** A write of ours was done. `former`: what the cell held before, as a reading may still show it. */
export const written = (
  entry: LogEntry | undefined,
  former: ReadonlyArray<StandingRoute | undefined>,
  route: StandingRoute | undefined,
  at: Millis,
): LogEntry => {
  const isRecent = entry !== undefined && at - entry.at < staleHorizon
  const history = isRecent ? entry.before : []
  return {
    written: route,
    before: distinct([...former, ...history]).slice(0, historyLength),
    at,
    shown: "written",
    reversals: entry?.reversals ?? 0,
    // Readings of this cell were stale a moment ago.
    proof: isRecent ? entry.proof : undefined,
  }
}

/** EC2 refused a write because the cell is not as we believe it to be: whatever the next reading shows is no old reading. */
export const doubted = (entry: LogEntry): LogEntry => ({ ...entry, before: [] })

/** EC2 says that the cell is as we left it: readings that showed otherwise were stale, and nobody changed it back. */
const proven = (entry: LogEntry, at: Millis): LogEntry => ({
  ...entry,
  shown: entry.shown === "old" ? "stale" : entry.shown,
  reversals: entry.shown === "old" ? Math.max(0, entry.reversals - 1) : entry.reversals,
  proof: { at, times: (entry.proof?.times ?? 0) + 1 },
})

/**
 * EC2 says that a route is there, which readings do not show. It is the one that we wrote, as far as anybody knows: then
 * the entry that says so. Undefined: we wrote none, or a reading has shown something else since.
 */
export const foundThere = (entry: LogEntry, at: Millis): LogEntry | undefined => {
  if (entry.shown === "changed") return undefined
  if (entry.shown !== "read" && entry.written !== undefined) return proven(entry, at)
  const attempts = entry.attempted ?? []
  const found = attempts.findLast(({ isOpen, route }) => isOpen && route !== undefined)
  if (found === undefined) return undefined
  const attempted = attempts.filter((one) => one !== found)
  return proven({ ...written(entry, [entry.written], found.route, found.at), attempted }, at)
}

/** EC2 says that no route is there. `present`: the one that was thought to be. Undefined: it is another kind's. */
export const foundGone = (
  entry: LogEntry | undefined,
  present: StandingRoute | undefined,
  at: Millis,
): LogEntry | undefined => {
  if (present?.owned === false || entry?.foreign !== undefined) return undefined
  const tried = (entry?.attempted ?? []).map(({ route }) => route)
  const isLogged = entry !== undefined && entry.written === undefined && entry.shown !== "changed"
  if (isLogged && tried.length === 0) return proven(entry, at)
  return proven(written(entry, [present, entry?.written, ...tried], undefined, at), at)
}

/** The write of which no answer came was done after all. */
const done = (entry: LogEntry, { at, route }: Attempt): LogEntry => ({
  ...written(entry, [entry.written], route, at),
  shown: "confirmed",
})

/** A write of ours may have been done or not. `read`: what the last reading showed, which counts if `entry` is not there. */
export const uncertain = (
  entry: LogEntry | undefined,
  read: StandingRoute | undefined,
  route: StandingRoute | undefined,
  at: Millis,
): LogEntry => ({
  ...(entry ?? { written: read, before: [], at, shown: "read", reversals: 0 }),
  attempted: [...(entry?.attempted ?? []).filter((one) => !same(one.route, route)), { route, at, isOpen: true }].slice(
    -historyLength,
  ),
})

/** A cell that we had not written before the write of which no answer came. */
const afterFirstAttempt = (
  entry: LogEntry,
  attempted: ReadonlyArray<Attempt>,
  read: StandingRoute | undefined,
  readAt: Millis,
): LogEntry | undefined => {
  if (attempted.some(({ at }) => readAt <= at)) return { ...entry, written: read }
  const found = attempted.find(({ route }) => same(read, route))
  return found === undefined ? undefined : done(entry, found)
}

/** What a reading that began at `readAt` makes of a write. Undefined: nothing left to remember. */
export const afterReading = (
  entry: LogEntry,
  read: StandingRoute | undefined,
  readAt: Millis,
): LogEntry | undefined => {
  const attempted = entry.attempted ?? []
  if (entry.shown === "read") return afterFirstAttempt(entry, attempted, read, readAt)
  const age = readAt - entry.at
  if (age <= 0) return entry
  // A reading tells of all of them or of none: one may have been done after the others.
  const isOpen = attempted.some((one) => one.isOpen && readAt <= one.at)
  if (age > contentionMemory && !isOpen) return undefined
  const left = isOpen ? attempted : attempted.map((one) => ({ ...one, isOpen: false }))
  // We never write over a route of another kind: wherever one shows, it came after our write.
  if (read?.owned === false)
    return { ...accused(entry), shown: "changed", foreign: { route: read, at: readAt }, attempted: left }
  // And what shows a route of ours next may be older.
  if (entry.foreign !== undefined && readAt - entry.foreign.at <= staleHorizon)
    return { ...entry, shown: "changed", attempted: left }
  const { foreign: _, ...since } = entry
  return afterOwnReading(since, read, readAt, left, isOpen)
}

/** The cell was found changed, unless it was before. */
const accused = (entry: LogEntry): LogEntry =>
  entry.shown === "old" || entry.shown === "changed" ? entry : { ...entry, reversals: entry.reversals + 1 }

/** While a reading that shows what was there before our write is taken for stale. */
const isPatient = ({ at, proof, reversals }: LogEntry, readAt: Millis): boolean =>
  readAt - at < patience(reversals) ||
  (proof !== undefined &&
    readAt - proof.at < Math.min(longestPatience, firstTrust * 2 ** Math.min(proof.times - 1, 10)))

/** Of a reading that shows no route of another kind. `left`: the attempts that are remembered if it does not tell. */
const afterOwnReading = (
  entry: LogEntry,
  read: StandingRoute | undefined,
  readAt: Millis,
  left: ReadonlyArray<Attempt>,
  isOpen: boolean,
): LogEntry | undefined => {
  const age = readAt - entry.at
  if (same(read, entry.written)) {
    const remember = entry.reversals > 0 ? contentionMemory : staleHorizon
    // This reading may be older than a later write without an answer, and the next one may show that.
    const attempted = isOpen ? entry.attempted : left.filter(({ at }) => readAt - at <= staleHorizon)
    const isLeft = attempted !== undefined && attempted.length > 0
    if (age > remember && !isLeft) return undefined
    return { ...entry, shown: "confirmed", attempted: isLeft ? attempted : undefined }
  }
  const looksOld = entry.before.some((earlier) => same(read, earlier))
  // What counts as changed back goes on doing so: it is counted once.
  if (looksOld && entry.shown !== "old" && isPatient(entry, readAt)) return { ...entry, shown: "stale" }
  const found = left.find(({ route }) => same(read, route))
  if (found !== undefined) return { ...done(entry, found), attempted: isOpen ? left : undefined }
  // Long after a confirmed write, an earlier content is somebody's wish and no old reading.
  if (entry.shown === "confirmed" && age > staleHorizon && !isOpen) return undefined
  return { ...accused(entry), shown: looksOld ? "old" : "changed", attempted: left }
}

const known = (entry: LogEntry | undefined, read: StandingRoute | undefined): CellContent => {
  // Where none is, none can be lost: EC2 creates no route over another.
  if (entry?.foreign !== undefined && read?.owned === true)
    return { present: entry.foreign.route, believed: entry.foreign.route, isDisputed: true }
  switch (entry?.shown) {
    case undefined:
    case "read":
    case "confirmed":
    case "changed":
      return { present: read, believed: read }
    case "written":
    case "stale":
      return { present: entry.written, believed: entry.written }
    case "old":
      return { present: read, believed: entry.written }
  }
}

/** The content of a cell: the last reading under our own writes. */
export const content = (entry: LogEntry | undefined, read: StandingRoute | undefined): CellContent => {
  const cell = known(entry, read)
  const attempted = (entry?.attempted ?? []).flatMap(({ isOpen, route }) =>
    isOpen && !same(route, cell.present) ? [route] : [],
  )
  return attempted.length > 0 ? { ...cell, attempted } : cell
}

/** From how many reversals on a cell is contended. Once can be a hand edit; twice is somebody who insists. */
const contendedFrom = 2

/** While a contended cell waits: until when, and how often it was changed back. Undefined: not contended. */
export const contention = (
  entry: LogEntry | undefined,
): { readonly until: Millis; readonly times: number } | undefined =>
  entry === undefined || entry.reversals < contendedFrom || entry.shown === "confirmed"
    ? undefined
    : { until: entry.at + patience(entry.reversals), times: entry.reversals }
