// The page: what the daemon says, shown as it comes.

/** @import { OverviewJson } from "../OverviewJson.ts" */
import { alertOf } from "./actions.js"
import { happenings, tell } from "./activity.js"
import { prepareAsking } from "./ask.js"
import { prepareBrake, renderBrake } from "./brake.js"
import { listen } from "./connection.js"
import { byId, part, setAttribute, setText } from "./dom.js"
import { renderDrain } from "./drain.js"
import { renderGuards } from "./guards.js"
import { renderFailovers } from "./failovers.js"
import { renderHosts } from "./hosts.js"
import { renderMatrix } from "./matrix.js"
import { renderFigures, renderHead, renderHeld, renderNotices, renderSources } from "./summary.js"
import { setClock, tick, timeOfDay } from "./words.js"

/** @type {OverviewJson | undefined} */
let shown
/** @type {string | undefined} */
let version
let mayWrite = false
/** The daemon's time when it was last heard. */
let heardAt = ""

const render = () => {
  if (shown === undefined) return
  renderHead(shown)
  renderNotices(shown)
  renderGuards(shown, mayWrite)
  renderBrake(shown, mayWrite)
  renderDrain(shown)
  renderFigures(shown)
  renderMatrix(shown)
  renderHosts(shown, mayWrite)
  renderFailovers(shown)
  renderHeld(shown)
  renderSources(shown)
}

/** @param {"live" | "lost"} state @param {string} words */
const showConnection = (state, words) => {
  const node = part("connection")
  setAttribute(node, "data-state", state)
  setText(node, words)
  document.body.classList.toggle("stale", state === "lost")
}

listen({
  onHello: (hello) => {
    // Another version than the one that this page came from has another page.
    if (version !== undefined && version !== hello.version) location.reload()
    // What could not be done while nobody answered can be tried again now.
    if (part("connection").dataset["state"] === "lost") alertOf("")
    version = hello.version
    mayWrite = hello.may_write
    render()
  },
  onWord: (now) => {
    heardAt = now
    setClock(now)
    showConnection("live", "Live")
  },
  onOverview: ({ now, overview }) => {
    const before = shown
    shown = overview
    render()
    if (before !== undefined) for (const words of happenings(before, overview)) tell(now, words)
  },
  onLost: (why) => {
    const reason = why === undefined ? "" : `: ${why}`
    const since = heardAt === "" ? "" : `${why === undefined ? ": w" : ". W"}hat you see is from ${timeOfDay(heardAt)}`
    showConnection("lost", `Not connected${reason}${since}. Trying again…`)
  },
})

byId("others-shown", HTMLInputElement).addEventListener("change", render)
prepareAsking()
prepareBrake()
setInterval(tick, 1_000)
