// Deletions that wait until they are confirmed.

/** @import { OverviewJson } from "../OverviewJson.ts" */
import { alertOf, write } from "./actions.js"
import { ask, askedAbout, withdraw } from "./ask.js"
import { part, patchLines, setText } from "./dom.js"
import { plural } from "./words.js"

const prefix = "delete "

/** @typedef {NonNullable<OverviewJson["brake"]>} Brake */

/** @param {Brake} brake */
const countOf = ({ left_out, shown }) => shown.length + left_out

/** @type {Brake | null} */
let now = null

/** The deletions that wait, and how to let them happen. @param {OverviewJson} overview @param {boolean} mayWrite */
export const renderBrake = ({ brake }, mayWrite) => {
  now = brake
  const about = askedAbout()
  // Whatever was asked about is over, or is another plan than the one that is being looked at.
  if (about?.startsWith(prefix) === true && about !== `${prefix}${brake?.hash}`) {
    withdraw()
    if (brake !== null) alertOf("The plan changed while you looked at it. Nothing was confirmed.")
  }
  part("brake").hidden = brake === null
  if (brake === null) return
  const { hash, shown, why } = brake
  const count = countOf(brake)
  setText(
    part("brake-words"),
    `${plural(count, "deletion")} ${count === 1 ? "is" : "are"} held, since ${why}, until confirmed by ${count === 1 ? "its" : "their"} hash, ${hash}.`,
  )
  patchLines(part("brake-list"), [...shown.slice(0, 3), ...(count > 3 ? [`… and ${count - 3} more`] : [])])
  part("brake-ask").hidden = !mayWrite
  setText(
    part("brake-how"),
    mayWrite
      ? ""
      : `From the daemon's own machine: curl -X POST localhost:${location.port || "80"}/held/${hash}/confirm`,
  )
}

/** @param {Brake} brake */
const askAbout = (brake) => {
  const { hash, left_out, shown } = brake
  const routes = plural(countOf(brake), "route")
  ask({
    about: `${prefix}${hash}`,
    title: "Delete these routes?",
    words: `${routes}, as the plan ${hash} has them. If the plan changes meanwhile, nothing is deleted.`,
    lines: left_out > 0 ? [...shown, `… and ${left_out} more; /status has them all`] : shown,
    linesName: "Routes that will be deleted",
    no: "Leave them",
    yes: `Delete ${routes}`,
    isDanger: true,
    act: () => write(`held/${hash}/confirm`),
  })
}

export const prepareBrake = () =>
  part("brake-ask").addEventListener("click", () => {
    if (now !== null) askAbout(now)
  })
