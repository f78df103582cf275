import { spawn } from "node:child_process"
import { join } from "node:path"
import { Data, Effect } from "effect"
import { scopedChild } from "../../support/process/Children.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

/** It was not said in time. */
export class Unsaid extends Data.TaggedError("Unsaid")<{ readonly message: string }> {}

/** The socket on which systemd hears what a unit says of itself. */
export interface NotifySocket {
  readonly path: string
  /** What was said so far, in its order. */
  readonly heard: () => ReadonlyArray<string>
  /** Waits until this was said so many times, at most 20 s. */
  readonly hears: (state: string, times?: number) => Effect.Effect<void, Unsaid>
}

// Node has no datagrams on Unix sockets.
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    for line in s.recv(4096).decode().splitlines():
        print(line, flush=True)
`

/** systemd's end of the line, for a test: it hears, and does nothing. */
export const notifySocket = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const path = join(folder, "socket")
  const child = yield* scopedChild(() =>
    spawn("python3", ["-c", receiver, path], { stdio: ["ignore", "pipe", "pipe"] }),
  )
  let output = ""
  let errors = ""
  const listeners = new Set<() => void>()
  const note = () => listeners.forEach((listener) => listener())
  child.stdout.on("data", (chunk) => {
    output += chunk
    note()
  })
  child.stderr.on("data", (chunk) => (errors += chunk))
  child.on("error", ({ message }) => {
    errors += `This test needs the program "python3" (apt-get install python3): ${message}`
  })

  const lines = () => output.split("\n").slice(0, -1)
  const hears = (state: string, times = 1): Effect.Effect<void, Unsaid> =>
    Effect.callback<void, Unsaid>((resume) => {
      const look = () => {
        if (lines().filter((line) => line === state).length >= times) resume(Effect.void)
      }
      listeners.add(look)
      look()
      return Effect.sync(() => listeners.delete(look))
    }).pipe(
      Effect.timeoutOrElse({
        duration: "60 seconds",
        orElse: () =>
          Effect.fail(new Unsaid({ message: `${state} was not said ${times} times: ${lines().join(" ")} ${errors}` })),
      }),
    )
  yield* hears("listening")
  const heard = () => lines().filter((line) => line !== "listening" && line !== "BARRIER=1")
  return { path, heard, hears } satisfies NotifySocket
})
