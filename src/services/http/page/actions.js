// How the page does something besides look: it asks the API to, and says why not.

import { part, setText } from "./dom.js"

/** @param {string} words */
export const alertOf = (words) => setText(part("alert"), words)

/** Why an answer is none. @param {Response} answer */
export const whyNot = async (answer) => {
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
