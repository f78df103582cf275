import type { Millis } from "../../domain/Health.ts"
import { isoTime } from "../IsoTime.ts"

/** How long a browser waits before it connects again, in milliseconds. */
const retry = 1_000

/** One event of a `text/event-stream` (HTML standard, section 9.2). `data` is JSON, so it has no line breaks. */
export const eventText = (name: string, data: string): string => `event: ${name}\nretry: ${retry}\ndata: ${data}\n\n`

/** `{"now": …}`, and the overview, which comes as text already since all listeners get the same. */
export const timedText = (at: Millis, overview?: string): string => {
  const now = JSON.stringify(isoTime(at))
  return overview === undefined ? `{"now":${now}}` : `{"now":${now},"overview":${overview}}`
}
