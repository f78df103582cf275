// Loaded before a program by `node --import`: writes how late the event loop was to the file that STALLS_FILE names, as JSON, whenever it gets SIGUSR2, and
// starts anew. Milliseconds.
import { writeFileSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"

// The histogram counts a timer of this resolution: its figures hold that time, which is no delay.
const resolution = 1
const delay = monitorEventLoopDelay({ resolution })
delay.enable()
process.on("SIGUSR2", () => {
  const millis = (nanos) => Math.max(0, nanos / 1e6 - resolution)
  const { count, max, mean } = delay
  const figures = {
    count,
    mean: millis(mean),
    p50: millis(delay.percentile(50)),
    p99: millis(delay.percentile(99)),
    p999: millis(delay.percentile(99.9)),
    max: millis(max),
  }
  writeFileSync(process.env.STALLS_FILE, JSON.stringify(figures))
  delay.reset()
})
