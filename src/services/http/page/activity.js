// What happened while one looked on: a log that is shown and said aloud, politely and not too much at once.

/** @import { OverviewJson } from "../OverviewJson.ts" */
import { carriedBy, isWhole } from "./carried.js"
import { element, part } from "./dom.js"
import { duration, plural, timeOfDay } from "./words.js"

/** Lines that are kept. */
const memory = 30
/** Lines of one kind at once; more are told as a number. */
const most = 3

/** @param {ReadonlyArray<string>} lines @param {(count: number) => string} sum */
const bounded = (lines, sum) => (lines.length > most ? [sum(lines.length)] : lines)

/** @template A @param {ReadonlyArray<A>} items @param {(item: A) => string} key */
const byKey = (items, key) => new Map(items.map((item) => [key(item), item]))

/** @param {OverviewJson} before @param {OverviewJson} after */
const hostLines = (before, after) => {
  const known = byKey(before.hosts.shown, ({ ip }) => ip)
  /** @type {Record<"failed" | "healthy" | "unwatched" | "drained" | "empty" | "undrained", Array<string>>} */
  const lines = { failed: [], healthy: [], unwatched: [], drained: [], empty: [], undrained: [] }
  const carriedBefore = carriedBy(before)
  const carriedNow = carriedBy(after)
  const isKnown = isWhole(before) && isWhole(after)
  for (const { drained, ip, reason, verdict } of after.hosts.shown) {
    const was = known.get(ip)
    if (was === undefined) continue
    if (verdict === "failed" && was.verdict !== "failed") lines.failed.push(`Host ${ip} failed: ${reason ?? ""}`)
    if (verdict === "healthy" && was.verdict === "failed") lines.healthy.push(`Host ${ip} is healthy again`)
    if (verdict === "unwatched" && was.verdict !== "unwatched")
      lines.unwatched.push(`Host ${ip} is unwatched: ${reason ?? ""}`)
    if (drained && !was.drained) lines.drained.push(`Host ${ip} is drained`)
    if (drained && isKnown && carriedBefore(ip).routes > 0 && carriedNow(ip).routes === 0)
      lines.empty.push(`No route leads to the drained host ${ip} any more`)
    if (!drained && was.drained) lines.undrained.push(`Host ${ip} is in service again`)
  }
  return [
    ...bounded(lines.failed, (count) => `${count} hosts failed`),
    ...bounded(lines.healthy, (count) => `${count} hosts are healthy again`),
    ...bounded(lines.unwatched, (count) => `${count} hosts are unwatched`),
    ...bounded(lines.drained, (count) => `${count} hosts are drained`),
    ...bounded(lines.empty, (count) => `No route leads to ${count} of the drained hosts any more`),
    ...bounded(lines.undrained, (count) => `${count} hosts are in service again`),
  ]
}

/** @param {OverviewJson["failovers"][number]} failover */
const failoverKey = ({ failed_at, host, moved }) => `${host} ${failed_at} ${moved}`

/** @param {OverviewJson} before @param {OverviewJson} after */
const failoverLines = (before, after) => {
  const known = byKey(before.failovers, failoverKey)
  const done = after.failovers.filter(
    (failover) =>
      failover.moved > 0 &&
      !after.moving.includes(failover.host) &&
      (!known.has(failoverKey(failover)) || before.moving.includes(failover.host)),
  )
  return bounded(
    done.map(
      ({ host, last_write_ms, moved }) =>
        `Failover of ${host} complete: ${plural(moved, "route")} moved, the last ${duration(last_write_ms ?? 0)} after the verdict`,
    ),
    (count) => `${count} failovers complete`,
  )
}

/** A condition that goes on, with other figures in it, is the same. @param {OverviewJson["conditions"][number]} condition */
const conditionKey = ({ since, words }) => `${since} ${words.replaceAll(/\d+/g, "0")}`

/** @param {OverviewJson} before @param {OverviewJson} after */
const conditionLines = (before, after) => {
  const was = new Set(before.conditions.flatMap((condition) => [condition.words, conditionKey(condition)]))
  const is = new Set(after.conditions.flatMap((condition) => [condition.words, conditionKey(condition)]))
  /** @param {ReadonlySet<string>} known */
  const unknownTo = (known) => (/** @type {OverviewJson["conditions"][number]} */ condition) =>
    !known.has(condition.words) && !known.has(conditionKey(condition))
  return bounded(
    [
      ...after.conditions.filter(unknownTo(was)).map(({ words }) => words),
      ...before.conditions.filter(unknownTo(is)).map(({ words }) => `Over: ${words}`),
    ],
    (count) => `${count} conditions changed`,
  )
}

/** @param {OverviewJson} before @param {OverviewJson} after */
const otherLines = (before, after) => {
  /** @type {Array<string>} */
  const lines = []
  if (after.protecting && (!before.protecting || before.counts.cidrs !== after.counts.cidrs))
    lines.push(
      `A spec is in force: ${plural(after.counts.cidrs, "destination")}, ${plural(after.counts.hosts, "host")}`,
    )
  if (after.brake !== null && before.brake?.hash !== after.brake.hash)
    lines.push(`${plural(after.brake.shown.length + after.brake.left_out, "deletion")} held until confirmed`)
  if (before.brake !== null && after.brake === null) lines.push("No deletions are held any more")
  if (before.sources.health.state !== after.sources.health.state)
    lines.push(after.sources.health.state === "up" ? "Health is heard of again" : "No word on health")
  if (before.sources.config.state !== after.sources.config.state)
    lines.push(
      after.sources.config.state === "ok" ? "The spec is read again" : `The spec is ${after.sources.config.state}`,
    )
  return lines
}

/** What is worth telling between two overviews. @param {OverviewJson} before @param {OverviewJson} after */
export const happenings = (before, after) =>
  before.started_at === after.started_at
    ? [
        ...hostLines(before, after),
        ...failoverLines(before, after),
        ...conditionLines(before, after),
        ...otherLines(before, after),
      ]
    : ["vpc-router was restarted"]

/** @param {string} at the daemon's time @param {string} words */
export const tell = (at, words) => {
  const log = part("activity")
  // The newest comes last, as in every log, and is scrolled to unless the reader has gone back.
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40
  log.append(element("li", {}, element("time", { datetime: at }, timeOfDay(at)), " ", words))
  while (log.childElementCount > memory) log.firstElementChild?.remove()
  if (isAtEnd) log.scrollTop = log.scrollHeight
}
