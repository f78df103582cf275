// Everything around the topology: what runs, what is out of order, figures, holds, sources, waiting writes.

/** @import { OverviewJson } from "../OverviewJson.ts" */
/** @import { View } from "./dom.js" */
import { element, part, patch, patchLines, sayLeftOut, setAttribute, setText } from "./dom.js"
import { compareAddresses, duration, plural, timeView } from "./words.js"

/** @typedef {{ readonly key: string, readonly kind: "bad" | "warn" | "info", readonly words: string, readonly since: string | null }} Notice */

/** @param {OverviewJson} overview @returns {ReadonlyArray<Notice>} */
const noticesOf = ({ conditions, dry_run, mode, protecting, restored, sources: { config, health } }) => {
  /** @type {Array<Notice>} */
  const notices = []
  /** @param {Notice["kind"]} kind @param {string} words @param {string | null} [since] */
  const add = (kind, words, since = null) => notices.push({ key: words, kind, words, since })
  for (const { since, words } of conditions) add("bad", words, since)
  if (health.state === "down") add("bad", `No word on health: ${health.why ?? "the source is down"}`, health.since)
  if (config.state !== "ok") {
    const problems = config.problems.map(({ message, path }) => `${path}: ${message}`)
    add("bad", [`The spec is ${config.state}: ${config.why ?? ""}`, ...problems.slice(0, 5)].join("\n"), config.since)
  }
  if (!protecting)
    add(
      "warn",
      `No spec is in force: nothing is protected and nothing is written${mode === "http" ? " until one is posted" : ""}.`,
    )
  if (restored)
    add(
      "warn",
      "The spec in force comes from before a restart: it fails over and repairs; nothing is deleted until a spec is accepted anew.",
    )
  if (dry_run) add("info", "Dry run: what is shown as waiting would be written. Nothing is.")
  return notices
}

/** @returns {View<Notice>} */
const makeNotice = () => {
  const words = element("span", { class: "notice-words" })
  const since = timeView("for")
  const node = element("p", { class: "notice" }, words, " ", since.node)
  return {
    node,
    update: ({ kind, since: time, words: text }) => {
      setAttribute(node, "data-kind", kind)
      setText(words, text)
      since.node.hidden = time === null
      if (time !== null) since.update(time)
    },
  }
}

/** @param {OverviewJson} overview */
export const renderNotices = (overview) => patch(part("notices"), noticesOf(overview), ({ key }) => key, makeNotice)

/** @param {OverviewJson} overview */
export const renderHead = ({ dry_run, mode, protecting, restored, simulated, version, vpc }) => {
  setText(part("about"), vpc ?? "")
  document.title = `${vpc ?? ""} · vpc-router`
  patchLines(part("badges"), [
    `mode ${mode}`,
    ...(simulated ? ["simulated VPC"] : []),
    ...(dry_run ? ["dry run"] : []),
    protecting ? (restored ? "protecting, restored" : "protecting") : "not protecting",
    `version ${version}`,
  ])
}

/** @typedef {{ readonly key: string, readonly value: string, readonly note: string, readonly kind: string, readonly time?: string | null }} Figure */

/** @param {OverviewJson} overview @returns {Figure} */
const routesFigure = ({ counts, rows }) => {
  const worst = (/** @type {ReadonlyArray<string>} */ ...kinds) =>
    rows.shown.filter(({ cells }) => cells.some(([standing]) => kinds.includes(standing))).length
  const bad = worst("failed", "blackhole")
  const open = worst("missing", "stray")
  const shown = rows.left_out > 0 ? " of those shown" : ""
  const note = bad > 0 ? `${bad}${shown} on failed hosts` : open > 0 ? `${open}${shown} without a route` : "all carried"
  const kind = bad > 0 ? "bad" : open > 0 ? "warn" : "good"
  return {
    key: "Destinations",
    value: String(counts.cidrs),
    note: counts.cidrs === 0 ? "" : note,
    kind: counts.cidrs === 0 ? "quiet" : kind,
  }
}

/** @param {OverviewJson} overview @returns {ReadonlyArray<Figure>} */
const figuresOf = (overview) => {
  const { counts, held, last_refresh, pending, queue } = overview
  const heldCount = held.shown.length + held.left_out
  const waiting = pending.shown.length + pending.left_out
  const troubled = [
    ...(counts.failed_hosts > 0 ? [`${counts.failed_hosts} failed`] : []),
    ...(counts.drained_hosts > 0 ? [`${counts.drained_hosts} drained`] : []),
  ]
  return [
    routesFigure(overview),
    {
      key: "Hosts",
      value: String(counts.hosts),
      note: troubled.join(", ") || (counts.hosts === 0 ? "" : "none failed"),
      kind: counts.failed_hosts > 0 ? "bad" : counts.drained_hosts > 0 ? "warn" : counts.hosts === 0 ? "quiet" : "good",
    },
    {
      key: "Held back",
      value: String(heldCount),
      note: heldCount === 0 ? "nothing" : "see why",
      kind: heldCount === 0 ? "good" : "warn",
    },
    {
      key: "Writes waiting",
      value: String(waiting),
      note:
        queue.in_flight > 0
          ? `${queue.in_flight} under way`
          : waiting > 0
            ? "at the pace of EC2's limits"
            : "none under way",
      kind: waiting === 0 ? "good" : "info",
    },
    {
      key: "EC2 last read",
      value: "",
      time: last_refresh.at,
      note:
        last_refresh.error === null
          ? last_refresh.took_ms === null
            ? "not yet"
            : `took ${duration(last_refresh.took_ms)}`
          : last_refresh.error.code,
      kind: last_refresh.error === null ? "good" : "bad",
    },
  ]
}

const figureMarks = /** @type {Readonly<Record<string, string>>} */ ({
  good: "✓",
  bad: "✕",
  warn: "!",
  info: "→",
  quiet: "",
})

/** @param {Figure} figure @returns {View<Figure>} */
const makeFigure = ({ key }) => {
  const number = element("span")
  const time = timeView("ago")
  const mark = element("span", { class: "mark", "aria-hidden": "true" })
  const note = element("span")
  const node = element(
    "div",
    { class: "figure" },
    element("dt", {}, key),
    element("dd", { class: "value" }, number, time.node),
    element("dd", { class: "note" }, mark, " ", note),
  )
  return {
    node,
    update: ({ kind, note: words, time: at = null, value }) => {
      setAttribute(node, "data-kind", kind)
      setText(number, at === null && value === "" ? "–" : value)
      time.node.hidden = at === null
      if (at !== null) time.update(at)
      setText(mark, words === "" ? "" : (figureMarks[kind] ?? ""))
      setText(note, words)
    },
  }
}

/** @param {OverviewJson} overview */
export const renderFigures = (overview) => patch(part("figures"), figuresOf(overview), ({ key }) => key, makeFigure)

/** @typedef {OverviewJson["held"]["shown"][number]} Held */

/** @returns {View<Held>} */
const makeHeld = () => {
  const where = element("strong")
  const words = element("span")
  const since = timeView("for")
  const until = timeView("in")
  const again = element("span", {}, "; looked at again ", until.node)
  const waiting = element("p", { class: "why" })
  const node = element("li", { class: "held" }, element("p", {}, where, " ", words, " ", since.node, again), waiting)
  return {
    node,
    update: (held) => {
      setText(where, held.table === null ? held.cidr : `${held.cidr} in ${held.table}`)
      setText(words, held.words)
      since.node.hidden = held.since === null
      if (held.since !== null) since.update(held.since)
      again.hidden = held.until === null
      if (held.until !== null) until.update(held.until)
      setText(waiting, held.waiting === null ? "" : `waits: ${held.waiting}`)
      waiting.hidden = held.waiting === null
    },
  }
}

/** @param {OverviewJson} overview */
export const renderHeld = ({ held }) => {
  // Deletions that wait for a confirmation have a place of their own.
  const shown = held.shown
    .filter(({ reason }) => reason !== "deletion_brake")
    .sort((a, b) => compareAddresses(a.cidr, b.cidr))
  part("no-held").hidden = held.shown.length > 0
  patch(part("held"), shown, ({ cidr, reason, table }) => `${cidr} ${table} ${reason}`, makeHeld)
  sayLeftOut("held-left-out", held.left_out, "holds")
}

/** @typedef {{ readonly key: string, readonly words: string }} Fact */

/** @param {Fact} fact @returns {View<Fact>} */
const makeFact = ({ key }) => {
  const value = element("dd")
  const node = element("div", {}, element("dt", {}, key), value)
  return { node, update: ({ words }) => setText(value, words) }
}

/** Each of several checks by itself. @param {OverviewJson["sources"]["health"]} health @returns {ReadonlyArray<Fact>} */
const checksOf = ({ checks, policy }) =>
  checks.length < 2
    ? []
    : [
        { key: "A host fails by", words: policy ?? "" },
        ...checks.map(({ bound_ms, name, state, why }) => {
          const within = bound_ms === null ? "" : `, finds a dead host within ${Math.ceil(bound_ms)} ms`
          return { key: `Check ${name}`, words: state === "up" ? `up${within}` : `down: ${why ?? ""}` }
        }),
      ]

/** @param {OverviewJson} overview */
export const renderSources = ({ pending, queue: { queued, in_flight, tokens }, sources: { config, health } }) => {
  patch(
    part("sources"),
    [
      { key: "Spec", words: `${config.name}: ${config.state}` },
      { key: "Health", words: `${health.name}: ${health.state}` },
      ...checksOf(health),
      { key: "Queue", words: `${queued} queued, ${in_flight} under way` },
      {
        key: "EC2's limit",
        words: `${Math.floor(tokens.replace)} replacements, ${Math.floor(tokens.create)} creations, ${Math.floor(tokens.delete)} deletions left`,
      },
    ],
    ({ key }) => key,
    makeFact,
  )
  patchLines(
    part("pending"),
    pending.shown.map(({ words }) => words),
  )
  sayLeftOut("pending-left-out", pending.left_out, plural(pending.left_out, "write").replace(/^\d+ /, ""))
}
