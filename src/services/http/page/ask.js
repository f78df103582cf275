// One question at a time, before something is done that is felt at once.

import { byId, part, patchLines, setAttribute, setText } from "./dom.js"
import { pressed } from "./actions.js"

/**
 * @typedef {object} Question
 * @property {string} about tells questions apart
 * @property {string} title
 * @property {string} words
 * @property {ReadonlyArray<string>} lines what it concerns
 * @property {string} linesName what the lines are, said aloud
 * @property {string} no
 * @property {string} yes
 * @property {boolean} isDanger
 * @property {() => Promise<unknown>} act
 */

/** What was asked last. It is not forgotten when the dialog closes: browsers tell of that a frame later. @type {Question | undefined} */
let asked

const dialog = () => byId("confirm", HTMLDialogElement)

/** @param {Question} question */
const state = (question) => {
  asked = question
  setText(part("confirm-title"), question.title)
  setText(part("confirm-words"), question.words)
  const list = part("confirm-list")
  list.hidden = question.lines.length === 0
  setAttribute(list, "aria-label", question.linesName)
  patchLines(list, question.lines)
  setText(part("confirm-no"), question.no)
  setText(part("confirm-yes"), question.yes)
  part("confirm-yes").classList.toggle("danger", question.isDanger)
}

/** @param {Question} question */
export const ask = (question) => {
  state(question)
  dialog().showModal()
  part("confirm-no").focus()
}

/** What is being asked, now. */
export const askedAbout = () => (dialog().open ? asked?.about : undefined)

/** The same question, in the words that are right now. @param {Question} question */
export const restate = (question) => {
  if (askedAbout() === question.about) state(question)
}

/** Whatever was asked is over. */
export const withdraw = () => dialog().close()

export const prepareAsking = () => {
  const yes = part("confirm-yes")
  part("confirm-no").addEventListener("click", withdraw)
  yes.addEventListener("click", () =>
    pressed(yes, async () => {
      const about = asked?.about
      await asked?.act()
      // Another question may have come up meanwhile.
      if (askedAbout() === about) withdraw()
    }),
  )
}
