// The last failovers, each with the time of its stages.

/** @import { OverviewJson } from "../OverviewJson.ts" */
/** @import { View } from "./dom.js" */
import { element, part, patch, setAttribute, setText } from "./dom.js"
import { duration, plural, timeOfDay, timeView } from "./words.js"

/** @typedef {OverviewJson["failovers"][number]} Failover */
/** @typedef {{ readonly failover: Failover, readonly isMoving: boolean, readonly longest: number }} Shown */
/** @typedef {{ readonly name: string, readonly words: string, readonly millis: number, readonly isDrawn: boolean }} Stage */

/** @param {Failover} failover @returns {ReadonlyArray<Stage>} */
const stagesOf = ({ failed_at, first_write_ms, last_write_ms, silent_ms, verified_at }) => [
  ...(silent_ms === null
    ? []
    : [
        {
          name: "verdict",
          words: `verdict ${duration(silent_ms)} after the first lost probe`,
          millis: silent_ms,
          isDrawn: true,
        },
      ]),
  ...(first_write_ms === null
    ? []
    : [
        {
          name: "first",
          words: `first write +${duration(first_write_ms)}`,
          millis: first_write_ms,
          isDrawn: true,
        },
      ]),
  ...(last_write_ms === null || first_write_ms === null
    ? []
    : [
        {
          name: "last",
          words: `last write +${duration(last_write_ms)}`,
          millis: last_write_ms - first_write_ms,
          isDrawn: true,
        },
      ]),
  ...(verified_at === null
    ? []
    : [
        {
          name: "verified",
          words: `seen in EC2 at ${timeOfDay(verified_at)}`,
          millis: Date.parse(verified_at) - Date.parse(failed_at),
          isDrawn: false,
        },
      ]),
]

/** From the first lost probe to the last write, in milliseconds. @param {Failover} failover */
const lengthOf = (failover) => stagesOf(failover).reduce((sum, { isDrawn, millis }) => sum + (isDrawn ? millis : 0), 0)

/** @param {Shown} shown */
const outcome = ({ failover: { moved }, isMoving }) => {
  if (isMoving) return moved === 0 ? "routes are being moved" : `${plural(moved, "route")} moved, more to come`
  return moved === 0 ? "no route moved" : `${plural(moved, "route")} moved`
}

/** @returns {View<Stage>} */
const makeStage = () => {
  const words = element("span")
  const node = element("li", {}, element("span", { class: "dot", "aria-hidden": "true" }), words)
  return {
    node,
    update: ({ name, words: text }) => {
      setAttribute(node, "data-stage", name)
      setText(words, text)
    },
  }
}

/** @returns {View<Stage>} */
const makeBar = () => {
  const node = element("span")
  return {
    node,
    update: ({ millis, name }) => {
      setAttribute(node, "data-stage", name)
      node.style.flexGrow = String(Math.max(0.001, millis))
    },
  }
}

/** @param {Shown} shown @returns {View<Shown>} */
const makeFailover = ({ failover: { failed_at, host, why } }) => {
  const words = element("span", { class: "outcome" })
  const ago = timeView("ago")
  ago.update(failed_at)
  const head = element("p", { class: "failover-head" }, element("strong", {}, host), " ", words, " ", ago.node)
  const bar = element("div", { class: "bar", "aria-hidden": "true" })
  const track = element("div", { class: "track", "aria-hidden": "true" }, bar)
  const stages = element("ol", { class: "stages" })
  const node = element("li", { class: "failover" }, head, track, stages, element("p", { class: "why" }, why))
  return {
    node,
    update: (shown) => {
      const all = stagesOf(shown.failover)
      const drawn = all.filter(({ isDrawn }) => isDrawn)
      setText(words, outcome(shown))
      patch(stages, all, ({ name }) => name, makeStage)
      patch(bar, drawn, ({ name }) => name, makeBar)
      track.hidden = drawn.length === 0
      bar.style.width = `${shown.longest === 0 ? 0 : Math.max(4, (100 * lengthOf(shown.failover)) / shown.longest)}%`
    },
  }
}

/** @param {OverviewJson} overview */
export const renderFailovers = ({ failovers, moving }) => {
  part("no-failovers").hidden = failovers.length > 0
  const longest = Math.max(0, ...failovers.map(lengthOf))
  /** @type {Set<string>} */
  const latest = new Set()
  const shown = failovers.map((failover) => {
    // Only the latest of a host's failovers can be under way.
    const isMoving = !latest.has(failover.host) && moving.includes(failover.host)
    latest.add(failover.host)
    return { failover, isMoving, longest }
  })
  patch(part("failovers"), shown, ({ failover }) => `${failover.host} ${failover.failed_at}`, makeFailover)
}
