import { Effect, type FileSystem, Result } from "effect"
import { type Ip, parseIp } from "../../domain/Ip.ts"
import type { StatusJson } from "../../services/http/StatusJson.ts"
import { now } from "../../services/Now.ts"
import * as Values from "../OptionValues.ts"
import { type StartFault, startFault } from "../StartFault.ts"
import { argumentOf, checkOptions, type CommandRun, print, printJson } from "./CommandRun.ts"
import { type DaemonClient, daemonClient, type DaemonFault } from "./DaemonClient.ts"
import { readGivenToken, readUrl } from "./DaemonOptions.ts"
import { count, type Line, line, span } from "./Lines.ts"
import { daemonFault } from "./StatusCommand.ts"

const lookEvery = "250 millis"
const defaultTimeout = 60_000
/** Milliseconds for which nothing may be under way until what is left counts as not going to move. */
const stillFor = 3_000

/** A route that still leads to the host. */
interface Left {
  readonly table: string
  readonly cidr: string
}

const leftOn = ({ tables }: StatusJson, host: Ip): ReadonlyArray<Left> =>
  tables.flatMap(({ cells, id }) =>
    cells.flatMap(({ cidr, in_spec, ip, owned }) => (ip === host && in_spec && owned ? [{ table: id, cidr }] : [])),
  )

/** What the daemon says of a route. */
const concerns =
  ({ cidr, table }: Left) =>
  (one: { readonly cidr: string; readonly table: string | null }): boolean =>
    one.cidr === cidr && (one.table === null || one.table === table)

/** Why a route has not moved, as far as the daemon says. */
const whyLeft = ({ dry_run, failed_writes, held, pending }: StatusJson, left: Left): string => {
  if (dry_run) return "the daemon runs with --dry-run: nothing is written"
  const isHere = concerns(left)
  const failed = failed_writes.find(isHere)
  if (failed !== undefined) return `${failed.code}: ${failed.message}`
  const hold = held.find(isHere)
  if (hold !== undefined) return hold.words
  if (pending.some(isHere)) return "its write is still under way"
  return "its interface also serves as another host of the CIDR, which is not drained"
}

/** Whether the daemon will try again by itself to move a route. */
const isRetried = ({ failed_writes, held }: StatusJson, left: Left): boolean => {
  const isHere = concerns(left)
  const passing: ReadonlyArray<string> = ["throttled", "transient", "refresh"]
  const failed = failed_writes.find(isHere)
  return failed === undefined
    ? held.some((hold) => isHere(hold) && hold.until !== null)
    : passing.includes(failed.disposition)
}

interface Outcome {
  readonly status: StatusJson
  readonly left: ReadonlyArray<Left>
}

/** Looks until no route is left, or nothing moves any more, or the time is over. */
const untilMoved = Effect.fnUntraced(function* (
  client: DaemonClient,
  host: Ip,
  timeout: number,
): Effect.fn.Return<Outcome, DaemonFault> {
  const start = yield* now
  let movedAt = start
  let before: number | undefined
  for (;;) {
    const { status } = yield* client.status
    const left = leftOn(status, host)
    const at = yield* now
    const isMoving = left.length !== before || status.counts.pending > 0
    if (isMoving || left.some((one) => isRetried(status, one))) movedAt = at
    before = left.length
    const isStill = at - movedAt >= stillFor || (status.dry_run && left.length > 0)
    if (left.length === 0 || isStill || at - start >= timeout) return { status, left }
    yield* Effect.sleep(lookEvery)
  }
})

const hostOf = Effect.fnUntraced(function* (run: CommandRun): Effect.fn.Return<Ip, StartFault> {
  const text = (yield* argumentOf(run)) ?? ""
  const parsed = parseIp(text)
  return Result.isSuccess(parsed)
    ? parsed.success
    : yield* startFault("", `expected the IP address of a host, got ${JSON.stringify(text)}`)
})

const timeoutOf = ({ reader }: CommandRun): number =>
  reader.value("timeout", Values.duration(1_000, 3_600_000)) ?? defaultTimeout

/** The options that both verbs have. */
const connect = Effect.fnUntraced(function* (run: CommandRun) {
  const isJson = run.reader.isOn("json")
  const url = readUrl(run)
  const timeout = run.name === "drain" ? timeoutOf(run) : 0
  yield* checkOptions(run)
  const host = yield* hostOf(run)
  return { host, isJson, timeout, client: daemonClient(url, yield* readGivenToken(run)) }
})

/** `vpc-router drain IP`: gives the exit code. */
export const drain = Effect.fnUntraced(function* (
  run: CommandRun,
): Effect.fn.Return<number, StartFault, FileSystem.FileSystem> {
  const { client, host, isJson, timeout } = yield* connect(run)
  const before = leftOn((yield* Effect.mapError(client.status, daemonFault(run))).status, host).length
  yield* Effect.mapError(client.steer(host, "drain"), daemonFault(run))
  const { left, status } = yield* Effect.mapError(untilMoved(client, host, timeout), daemonFault(run))
  const moved = Math.max(0, before - left.length)
  const told = left.map((one) => ({ ...one, why: whyLeft(status, one) }))
  if (isJson) yield* printJson({ ip: host, drained: true, moved, left: told })
  else if (left.length === 0) {
    const what = before === 0 ? "no route led to it" : `${count(moved, "route")} moved off it, and none leads to it`
    yield* print(run, [[span(`${host} is drained`, "good"), span(`: ${what}`)]])
  } else {
    const lines: ReadonlyArray<Line> = told.map(({ cidr, table, why }) => line(`  ${cidr} in ${table}: ${why}`, "warn"))
    const head = span(`${host} is drained, but ${count(left.length, "route leads", "routes lead")} to it still`, "bad")
    yield* print(run, [[head, span(moved === 0 ? ":" : `; ${count(moved, "route")} moved:`)], ...lines])
  }
  return left.length === 0 ? 0 : 2
})

/** `vpc-router undrain IP`: gives the exit code. */
export const undrain = Effect.fnUntraced(function* (
  run: CommandRun,
): Effect.fn.Return<number, StartFault, FileSystem.FileSystem> {
  const { client, host, isJson } = yield* connect(run)
  yield* Effect.mapError(client.steer(host, "undrain"), daemonFault(run))
  const { status } = yield* Effect.mapError(client.status, daemonFault(run))
  const why = status.hosts.find(({ ip }) => ip === host)?.why ?? null
  if (isJson) yield* printJson({ ip: host, drained: false, why })
  else {
    const also = why === null ? "it may carry routes; none moves back by itself" : `it carries none at present: ${why}`
    yield* print(run, [[span(`${host} is in service again`, "good"), span(`: ${also}`)]])
  }
  return 0
})
