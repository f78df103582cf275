// Taking a host out of service: what would move, asked before it does.

/** @import { OverviewHostJson, OverviewJson, OverviewRowJson } from "../OverviewJson.ts" */
import { write } from "./actions.js"
import { ask, askedAbout, restate, withdraw } from "./ask.js"
import { carriedBy, isWhole } from "./carried.js"
import { compareAddresses, plural } from "./words.js"

/** @type {OverviewJson | undefined} */
let now

const prefix = "drain "

/** Whether a host may be one that takes over. Of one that is not shown, nothing bad is known. @param {OverviewHostJson | undefined} host */
const isFit = (host) => host === undefined || (host.verdict === "healthy" && host.able && !host.drained)

/** Where the routes of a destination may go, in words; undefined: nowhere. @param {OverviewRowJson} row @param {string} ip @param {OverviewJson} overview */
const takers = ({ hosts }, ip, overview) => {
  const fit = (hosts?.shown ?? []).filter(
    (other) => other !== ip && isFit(overview.hosts.shown.find((host) => host.ip === other)),
  )
  const others = fit.length + (hosts?.left_out ?? 0)
  if (others === 0) return undefined
  return others > 3 ? `one of ${others} hosts` : fit.join(" or ")
}

/** @param {string} ip @param {OverviewJson} overview */
const questionOf = (ip, overview) => {
  const { routes, rows } = carriedBy(overview)(ip)
  let staying = 0
  const sorted = [...rows].sort((a, b) => compareAddresses(a.cidr, b.cidr))
  const lines = sorted.map((row) => {
    const count = row.cells.filter(([, host]) => host === ip).length
    const to = takers(row, ip, overview)
    if (to === undefined) staying += count
    return to === undefined
      ? `${row.cidr}: ${plural(count, "route")} ${count === 1 ? "stays" : "stay"}, no other host can take ${count === 1 ? "it" : "them"}`
      : `${row.cidr}: ${plural(count, "route")} → ${to}`
  })
  const hidden = isWhole(overview) ? [] : ["… and whatever it carries that this page does not show"]
  const moving = routes - staying
  const carries = `It carries ${plural(routes, "route")} of ${plural(rows.length, "destination")}${hidden.length > 0 ? " that are shown here" : ""}.`
  const after = "It gains no routes until it is undrained."
  return {
    about: `${prefix}${ip}`,
    title: `Drain ${ip}?`,
    words:
      moving === 0 && hidden.length === 0
        ? `${carries} No other host can take them now, so they stay until one can. ${after}`
        : `${carries} They move to other healthy hosts, each replaced without a gap. ${after}`,
    lines: [...lines, ...hidden],
    linesName: `What ${ip} carries`,
    no: "Leave it in service",
    yes: moving === 0 ? "Drain it all the same" : `Drain and move ${plural(moving, "route")}`,
    isDanger: false,
    act: () => write(`drain/${encodeURIComponent(ip)}`),
  }
}

/** A question that is open stays true, or goes. @param {OverviewJson} overview */
export const renderDrain = (overview) => {
  now = overview
  const about = askedAbout()
  if (about?.startsWith(prefix) !== true) return
  const ip = about.slice(prefix.length)
  const host = overview.hosts.shown.find((one) => one.ip === ip)
  if (host === undefined || host.drained) withdraw()
  else restate(questionOf(ip, overview))
}

/** Drains a host, after a question if routes move by it. @param {string} ip */
export const drain = async (ip) => {
  if (now === undefined) return
  const question = questionOf(ip, now)
  if (question.lines.length === 0) await question.act()
  else ask(question)
}

/** No route moves by it. @param {string} ip */
export const undrain = (ip) => write(`undrain/${encodeURIComponent(ip)}`)
