// What the page can do besides look: fail and heal simulated hosts, confirm held deletions.

/** @import { OverviewJson } from "../OverviewJson.ts" */
import { byId, part, patchLines, setText } from "./dom.js"
import { plural } from "./words.js"

/** @param {string} words */
export const alertOf = (words) => setText(part("alert"), words)

/** Why it was not done. @param {Response} answer */
const whyNot = async (answer) => {
  try {
    /** @type {unknown} */
    const problem = await answer.json()
    if (typeof problem === "object" && problem !== null && "detail" in problem) return String(problem.detail)
  } catch {
    // An answer without a problem in it.
  }
  return `the answer was ${answer.status}`
}

/** Whether the write was done; if not, the page says why. @param {string} path */
export const write = async (path) => {
  try {
    const answer = await fetch(path, { method: "POST" })
    alertOf(answer.ok ? "" : `Not done: ${await whyNot(answer)}`)
    return answer.ok
  } catch {
    alertOf("Not done: vpc-router does not answer")
    return false
  }
}

/** A button does its work once at a time. It keeps the focus meanwhile. @param {HTMLElement} button @param {() => Promise<void>} work */
export const pressed = async (button, work) => {
  if (button.getAttribute("aria-busy") === "true") return
  button.setAttribute("aria-busy", "true")
  try {
    await work()
  } finally {
    button.removeAttribute("aria-busy")
  }
}

/** The plan that was asked about last. It is not forgotten when the dialog closes: browsers tell of that a frame later. */
let asked = ""

/** The deletions that wait, and how to let them happen. @param {OverviewJson} overview @param {boolean} mayWrite */
export const renderBrake = ({ brake }, mayWrite) => {
  part("brake").hidden = brake === null
  if (brake === null) {
    // Whatever was asked about is over.
    byId("confirm", HTMLDialogElement).close()
    return
  }
  const { hash, left_out, shown, why } = brake
  const count = shown.length + left_out
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
  const lines = left_out > 0 ? [...shown, `… and ${left_out} more; /status has them all`] : shown
  patchLines(part("confirm-list"), lines)
  setText(
    part("confirm-words"),
    `${plural(count, "route")}, as the plan ${hash} has them. If the plan changes meanwhile, nothing is deleted.`,
  )
  setText(part("confirm-yes"), `Delete ${plural(count, "route")}`)
  // Another plan than the one that is being looked at.
  const dialog = byId("confirm", HTMLDialogElement)
  if (dialog.open && asked !== hash) {
    dialog.close()
    alertOf("The plan changed while you looked at it. Nothing was confirmed.")
  }
  part("brake-ask").dataset["hash"] = hash
}

export const prepareBrake = () => {
  const dialog = byId("confirm", HTMLDialogElement)
  const yes = part("confirm-yes")
  part("brake-ask").addEventListener("click", () => {
    asked = part("brake-ask").dataset["hash"] ?? ""
    dialog.showModal()
    part("confirm-no").focus()
  })
  part("confirm-no").addEventListener("click", () => dialog.close())
  yes.addEventListener("click", () =>
    pressed(yes, async () => {
      await write(`held/${asked}/confirm`)
      dialog.close()
    }),
  )
}
