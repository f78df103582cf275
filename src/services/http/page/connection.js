// The stream of events: connects again by itself, and says when what is shown is old.

/** @import { EventJson, HelloJson } from "../OverviewJson.ts" */
import { whyNot } from "./actions.js"

/** Milliseconds without a word after which the connection counts as lost. The daemon says something every four seconds. */
const silence = 12_000
/** Milliseconds between attempts where the browser does not try by itself: from the first to the longest. */
const firstPause = 1_000
const longestPause = 8_000

/**
 * @typedef {object} Hearer
 * @property {(hello: HelloJson) => void} onHello
 * @property {(event: EventJson) => void} onOverview
 * @property {(now: string) => void} onWord
 * @property {(why?: string) => void} onLost
 */

/** @param {Event} event @returns {unknown} */
const read = (event) => JSON.parse(event instanceof MessageEvent ? String(event.data) : "null")

/** Why no events are given, in the daemon's words, which an EventSource keeps to itself; undefined: they are, or nobody answers. */
const refusal = async () => {
  const end = new AbortController()
  const late = setTimeout(() => end.abort(), longestPause)
  try {
    const answer = await fetch("events", { signal: end.signal })
    return answer.ok ? undefined : await whyNot(answer)
  } catch {
    return undefined
  } finally {
    clearTimeout(late)
    end.abort()
  }
}

/** Listens for as long as the page is there. @param {Hearer} hearer */
export const listen = ({ onHello, onLost, onOverview, onWord }) => {
  let pause = firstPause
  let heardAt = performance.now()
  /** @type {EventSource | undefined} */
  let source
  /** @type {number | undefined} */
  let again

  const connect = () => {
    clearTimeout(again)
    source?.close()
    heardAt = performance.now()
    source = new EventSource("events")
    source.addEventListener("hello", (event) => {
      heard()
      onHello(/** @type {HelloJson} */ (read(event)))
    })
    source.addEventListener("overview", (event) => {
      heard()
      const overview = /** @type {EventJson} */ (read(event))
      onWord(overview.now)
      onOverview(overview)
    })
    source.addEventListener("beat", (event) => {
      heard()
      onWord(/** @type {{ readonly now: string }} */ (read(event)).now)
    })
    source.addEventListener("error", () => {
      onLost()
      // After a refusal the browser gives up.
      if (source?.readyState === EventSource.CLOSED) void afterRefusal(source)
    })
  }
  const heard = () => {
    heardAt = performance.now()
    pause = firstPause
  }
  /** @param {EventSource} refused */
  const afterRefusal = async (refused) => {
    const why = await refusal()
    if (source !== refused) return
    if (why !== undefined) onLost(why)
    connectLater()
  }
  const connectLater = () => {
    clearTimeout(again)
    again = setTimeout(connect, pause)
    pause = Math.min(longestPause, pause * 2)
  }
  setInterval(() => {
    if (source?.readyState !== EventSource.OPEN || performance.now() - heardAt < silence) return
    onLost()
    connect()
  }, 1_000)
  // A page that the browser had put away is told at once.
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect()
  })
  connect()
}
