// What a guard holds as one, and how to let it go.

/** @import { OverviewJson } from "../OverviewJson.ts" */
/** @import { View } from "./dom.js" */
import { pressed, write } from "./actions.js"
import { element, part, patch, setAttribute, setText } from "./dom.js"
import { plural, timeView } from "./words.js"

/** @typedef {{ readonly hold: OverviewJson["holds"][number], readonly mayWrite: boolean }} Shown */

const titles = /** @type {Readonly<Record<string, string>>} */ ({
  monitor_cut_off: "This monitor is cut off",
  after_cut_off: "Hosts failed while nobody was heard",
  mass_failure: "Many hosts failed together",
  failover_limit: "More hosts failed than are failed over in a minute",
})

/** What letting go does. @param {OverviewJson["holds"][number]} hold */
const outcome = ({ hosts, kind }) =>
  kind === "monitor_cut_off"
    ? "The silent anchors are set aside until they answer again; verdicts count, and writes go on."
    : `Routes move off ${plural(hosts.length, "host")} at once.`

/** @param {ReadonlyArray<string>} hosts */
const named = (hosts) =>
  hosts.length > 8 ? `${hosts.slice(0, 8).join(", ")} and ${hosts.length - 8} more` : hosts.join(", ")

/** @returns {View<Shown>} */
const makeGuard = () => {
  const title = element("h2")
  const words = element("span")
  const since = timeView("for")
  const until = timeView("in")
  const ends = element("span", {}, "; looked at again ", until.node)
  const hosts = element("p", { class: "why" })
  const how = element("p", { class: "why" })
  const effect = element("p")
  const button = element("button", { type: "button", class: "danger" }, "Let it go")
  const ask = element("details", {}, element("summary", {}, "Let it go all the same…"), effect, button)
  const node = element(
    "section",
    { class: "card guard" },
    title,
    element("p", {}, words, " ", since.node, ends),
    hosts,
    how,
    ask,
  )
  let hash = ""
  button.addEventListener("click", () =>
    pressed(button, async () => {
      await write(`held/${hash}/confirm`)
    }),
  )
  return {
    node,
    update: ({ hold, mayWrite }) => {
      // What was looked at is not what is held now.
      if (hash !== hold.hash) ask.removeAttribute("open")
      hash = hold.hash
      setAttribute(node, "data-guard", hold.kind)
      setText(title, titles[hold.kind] ?? hold.kind)
      setText(words, hold.words)
      since.node.hidden = hold.since === null
      if (hold.since !== null) since.update(hold.since)
      ends.hidden = hold.until === null
      if (hold.until !== null) until.update(hold.until)
      setText(hosts, hold.hosts.length === 0 ? "" : `keep their routes meanwhile: ${named(hold.hosts)}`)
      hosts.hidden = hold.hosts.length === 0
      how.hidden = mayWrite
      ask.hidden = !mayWrite
      setText(
        how,
        `From the daemon's own machine: curl -X POST localhost:${location.port || "80"}/held/${hash}/confirm`,
      )
      setText(effect, outcome(hold))
    },
  }
}

/** @param {OverviewJson} overview @param {boolean} mayWrite */
export const renderGuards = ({ holds }, mayWrite) =>
  patch(
    part("guards"),
    // Deletions that wait have a place of their own.
    holds.filter(({ kind }) => kind !== "deletion_brake").map((hold) => ({ hold, mayWrite })),
    ({ hold: { kind } }) => kind,
    makeGuard,
  )
