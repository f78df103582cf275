import { execFile } from "node:child_process"
import { Effect } from "effect"

/** How long a file may take to be read, in milliseconds. */
const patience = 3_000

/** Reads a file to its end, and fails as it may. */
const reader = `
  const { constants, openSync, readSync } = require("node:fs")
  const fd = openSync(process.argv[1], constants.O_RDONLY | constants.O_NONBLOCK)
  for (let left = Number(process.argv[2]); left > 0; ) {
    const size = readSync(fd, Buffer.alloc(65536))
    if (size === 0) break
    left -= size
  }`

/**
 * Whether reading a file comes to an end at present, well or not. A process of its own tries: one that hangs can be
 * killed, a thread of ours cannot. One that not even that ends is the last: true is not said while it is there.
 */
export const makeFileAnswers = (path: string, limit: number): Effect.Effect<boolean> => {
  let isTrying = false
  return Effect.callback<boolean>((resume) => {
    if (isTrying) return resume(Effect.succeed(false))
    isTrying = true
    const child = execFile(
      process.execPath,
      ["-e", reader, path, String(limit)],
      { timeout: patience, killSignal: "SIGKILL", env: {} },
      () => {
        isTrying = false
        resume(Effect.succeed(child.signalCode === null && child.pid !== undefined))
      },
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  }).pipe(Effect.timeoutOrElse({ duration: patience + 1_000, orElse: () => Effect.succeed(false) }))
}
