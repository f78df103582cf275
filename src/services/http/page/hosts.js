// The hosts of the spec: verdict, since when and why, what they carry; buttons that drain each and put it back into
// service, and in simulation one that fails or heals it.

/** @import { OverviewHostJson, OverviewJson } from "../OverviewJson.ts" */
/** @import { Carried } from "./carried.js" */
/** @import { View } from "./dom.js" */
import { pressed, write } from "./actions.js"
import { carriedBy, isWhole } from "./carried.js"
import { element, part, patch, sayLeftOut, setAttribute, setText } from "./dom.js"
import { drain, undrain } from "./drain.js"
import { compareAddresses, plural, timeOfDay, timeView } from "./words.js"

/** @typedef {{ readonly host: OverviewHostJson, readonly carried: Carried | null, readonly maySteer: boolean }} Shown */

/** @param {OverviewHostJson} host */
const standingOf = ({ able, drained, verdict }) => {
  if (verdict === "failed") return { mark: "✕", words: drained ? "failed, and drained" : "failed", kind: "bad" }
  if (drained) return { mark: "‖", words: "drained", kind: "warn" }
  if (verdict === "unwatched") return { mark: "?", words: "unwatched", kind: "warn" }
  if (verdict === "unknown") return { mark: "?", words: "not heard of yet", kind: "warn" }
  return able
    ? { mark: "✓", words: "healthy", kind: "good" }
    : { mark: "?", words: "healthy, but takes no route", kind: "warn" }
}

/** How far a drain has come. @param {Carried | null} carried null: that is not known here */
const drainWords = (carried) => {
  if (carried === null) return "it gains no routes, and loses those it has"
  const { moving, routes } = carried
  if (routes === 0) return "no route leads to it any more"
  if (moving > 0) return `${plural(moving, "route")} on the way to other hosts`
  return `${plural(routes, "route")} ${routes === 1 ? "stays" : "stay"}; see what is held back`
}

/** Why it failed, is unwatched, or may take no route. @param {Shown} shown */
const whyOf = ({ carried, host: { damped_until, drained, reason, verdict, why } }) => {
  if (verdict === "failed") return reason ?? ""
  if (drained) return drainWords(carried)
  if (damped_until !== null)
    return `failed again soon after it had recovered: chosen last until ${timeOfDay(damped_until)}`
  return (verdict === "unwatched" ? reason : why) ?? ""
}

/** @param {Carried | null} carried */
const carriedWords = (carried) => {
  if (carried === null) return ""
  const { routes, rows } = carried
  return routes === 0
    ? "carries nothing"
    : `carries ${plural(rows.length, "destination")} in ${plural(routes, "route")}`
}

/** @param {Shown} shown @returns {View<Shown>} */
const makeHost = ({ host: { ip } }) => {
  const mark = element("span", { class: "mark", "aria-hidden": "true" })
  const verdict = element("span", { class: "verdict" })
  const since = timeView("for")
  const time = element("span", {}, " ", since.node)
  const why = element("span")
  const carries = element("span", {})
  const ids = element("span", { class: "ids" })
  const check = element("p", { class: "why" }, "SourceDestCheck is on: EC2 drops what it forwards. It is chosen last.")
  const notes = element("p", { class: "why" })
  const drainButton = element("button", { type: "button" })
  const failButton = element("button", { type: "button" })
  const steers = element("div", { class: "steers" }, drainButton, failButton)
  const facts = element("p", { class: "facts" }, carries, ids)
  const state = element("p", { class: "state" }, verdict, time, why)
  const head = element("div", { class: "host-head" }, mark, element("h3", {}, ip))
  const body = element("div", { class: "host-body" }, head, state, facts, check, notes)
  const node = element("li", { class: "host-card" }, body, steers)
  /** @param {HTMLElement} button @param {string} words */
  const name = (button, words) => {
    setText(button, words)
    setAttribute(button, "aria-label", `${words} ${ip}`)
  }
  /** @type {boolean | null} */
  let answers = null
  let isDrained = false
  failButton.addEventListener("click", () =>
    pressed(failButton, async () => {
      const done = await write(`simulation/hosts/${encodeURIComponent(ip)}/${answers === true ? "fail" : "heal"}`)
      if (done) showAnswers(answers !== true)
    }),
  )
  drainButton.addEventListener("click", () =>
    pressed(drainButton, async () => {
      if (!isDrained) await drain(ip)
      else if (await undrain(ip)) showDrained(false)
    }),
  )
  /** @param {boolean | null} now */
  const showAnswers = (now) => {
    answers = now
    name(failButton, now === true ? "Fail" : "Heal")
  }
  /** @param {boolean} now */
  const showDrained = (now) => {
    isDrained = now
    name(drainButton, now ? "Undrain" : "Drain")
  }
  return {
    node,
    update: (shown) => {
      const { carried, host, maySteer } = shown
      const { kind, mark: sign, words } = standingOf(host)
      setAttribute(node, "data-kind", kind)
      setText(mark, sign)
      setText(verdict, words)
      // It is the time of the verdict; when the host was drained is not known here.
      time.hidden = host.since === null || (host.drained && host.verdict !== "failed")
      if (host.since !== null) since.update(host.since)
      const reason = whyOf(shown)
      setText(why, reason === "" ? "" : `: ${reason}`)
      setText(notes, host.notes.join("; "))
      notes.hidden = host.notes.length === 0
      setText(carries, carriedWords(carried))
      setText(ids, [host.interface, host.instance].filter(Boolean).join(" · "))
      check.hidden = host.source_dest_check !== true
      steers.hidden = !maySteer
      failButton.hidden = host.answers === null
      if (failButton.getAttribute("aria-busy") !== "true") showAnswers(host.answers)
      if (drainButton.getAttribute("aria-busy") !== "true") showDrained(host.drained)
    },
  }
}

/** @param {OverviewJson} overview @param {boolean} maySteer */
export const renderHosts = (overview, maySteer) => {
  const { hosts } = overview
  const carried = carriedBy(overview)
  const isKnown = isWhole(overview)
  part("no-hosts").hidden = hosts.shown.length > 0
  patch(
    part("hosts"),
    [...hosts.shown]
      .sort((a, b) => compareAddresses(a.ip, b.ip))
      .map((host) => ({ host, carried: isKnown ? carried(host.ip) : null, maySteer })),
    ({ host }) => host.ip,
    makeHost,
  )
  sayLeftOut("hosts-left-out", hosts.left_out, "hosts")
  const how = part("hosts-how")
  how.hidden = maySteer || hosts.shown.length === 0
  setText(how, "From the daemon's own machine, vpc-router drain IP takes a host out of service.")
}
