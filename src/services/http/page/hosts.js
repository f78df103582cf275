// The hosts of the spec: verdict, since when and why, what they carry; in simulation, a button that fails or heals each.

/** @import { OverviewHostJson, OverviewJson } from "../OverviewJson.ts" */
/** @import { View } from "./dom.js" */
import { pressed, write } from "./actions.js"
import { element, part, patch, sayLeftOut, setAttribute, setText } from "./dom.js"
import { compareAddresses, plural, timeView } from "./words.js"

/** @typedef {{ readonly host: OverviewHostJson, readonly carries: string | null, readonly maySteer: boolean }} Shown */

/** @param {OverviewHostJson} host */
const standingOf = ({ able, drained, verdict }) => {
  if (verdict === "failed") return { mark: "✕", words: "failed", kind: "bad" }
  if (drained) return { mark: "‖", words: "drained", kind: "warn" }
  if (verdict === "unwatched") return { mark: "?", words: "unwatched", kind: "warn" }
  if (verdict === "unknown") return { mark: "?", words: "not heard of yet", kind: "warn" }
  return able
    ? { mark: "✓", words: "healthy", kind: "good" }
    : { mark: "?", words: "healthy, but takes no route", kind: "warn" }
}

/** Why it failed, is unwatched, or may take no route. @param {OverviewHostJson} host */
const whyOf = ({ drained, reason, verdict, why }) => {
  if (verdict === "failed") return reason ?? ""
  if (verdict === "unwatched" && !drained) return reason ?? ""
  if (drained) return "it gains no routes, and loses those it has"
  return why ?? ""
}

/** @param {Shown} shown @returns {View<Shown>} */
const makeHost = ({ host: { ip } }) => {
  const mark = element("span", { class: "mark", "aria-hidden": "true" })
  const verdict = element("span", { class: "verdict" })
  const since = timeView("for")
  const why = element("span")
  const carries = element("span", {})
  const ids = element("span", { class: "ids" })
  const check = element("p", { class: "why" }, "SourceDestCheck is on: EC2 drops what it forwards. It is chosen last.")
  const button = element("button", { type: "button", class: "steer" })
  const facts = element("p", { class: "facts" }, carries, ids)
  const state = element("p", { class: "state" }, verdict, " ", since.node, why)
  const head = element("div", { class: "host-head" }, mark, element("h3", {}, ip), button)
  const node = element("li", { class: "host-card" }, head, state, facts, check)
  /** @type {boolean | null} */
  let answers = null
  button.addEventListener("click", () =>
    pressed(button, async () => {
      const done = await write(`simulation/hosts/${encodeURIComponent(ip)}/${answers === true ? "fail" : "heal"}`)
      if (done) show(answers !== true)
    }),
  )
  /** @param {boolean | null} now */
  const show = (now) => {
    answers = now
    setText(button, now === true ? "Fail" : "Heal")
    setAttribute(button, "aria-label", `${now === true ? "Fail" : "Heal"} ${ip}`)
  }
  return {
    node,
    update: ({ carries: routes, host, maySteer }) => {
      const { kind, mark: sign, words } = standingOf(host)
      setAttribute(node, "data-kind", kind)
      setText(mark, sign)
      setText(verdict, words)
      since.node.hidden = host.since === null
      if (host.since !== null) since.update(host.since)
      const reason = whyOf(host)
      setText(why, reason === "" ? "" : `: ${reason}`)
      setText(carries, routes ?? "")
      setText(ids, [host.interface, host.instance].filter(Boolean).join(" · "))
      check.hidden = host.source_dest_check !== true
      button.hidden = host.answers === null || !maySteer
      if (button.getAttribute("aria-busy") !== "true") show(host.answers)
    },
  }
}

/** What each host carries; nothing if not all routes are there to be counted. @param {OverviewJson} overview */
const carriedBy = ({ rows, tables }) => {
  if (rows.left_out + tables.left_out > 0) return () => null
  /** @type {Map<string, { routes: number, cidrs: Set<string> }>} */
  const carried = new Map()
  for (const { cells, cidr } of rows.shown)
    for (const [, host] of cells) {
      if (host === null) continue
      const found = carried.get(host) ?? { routes: 0, cidrs: new Set() }
      found.routes++
      found.cidrs.add(cidr)
      carried.set(host, found)
    }
  return (/** @type {string} */ host) => {
    const found = carried.get(host)
    return found === undefined
      ? "carries nothing"
      : `carries ${plural(found.cidrs.size, "destination")} in ${plural(found.routes, "route")}`
  }
}

/** @param {OverviewJson} overview @param {boolean} maySteer */
export const renderHosts = (overview, maySteer) => {
  const { hosts } = overview
  const carries = carriedBy(overview)
  part("no-hosts").hidden = hosts.shown.length > 0
  patch(
    part("hosts"),
    [...hosts.shown]
      .sort((a, b) => compareAddresses(a.ip, b.ip))
      .map((host) => ({ host, carries: carries(host.ip), maySteer })),
    ({ host }) => host.ip,
    makeHost,
  )
  sayLeftOut("hosts-left-out", hosts.left_out, "hosts")
}
