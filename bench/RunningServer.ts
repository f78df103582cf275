import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"

/** The built daemon. */
export const main = new URL("../dist/main.js", import.meta.url).pathname
export const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Megabytes in a process's status: `VmRSS` is what is resident, `VmHWM` the most that ever was. */
export const megabytes = (pid: number, field: "VmRSS" | "VmHWM" = "VmRSS"): number =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

export interface Running {
  readonly child: ChildProcess
  readonly url: string
  readonly millis: number
}

/** Starts a server and waits until it answers `path`. */
export const start = async (args: ReadonlyArray<string>, path: string): Promise<Running> => {
  const from = performance.now()
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  let printed = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text))
  for (;;) {
    const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1]
    const url = `http://127.0.0.1:${port}`
    if (
      port !== undefined &&
      (await fetch(url + path).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      return { child, url, millis: performance.now() - from }
    if (child.exitCode !== null || performance.now() - from > 30_000) throw new Error(`no answer: ${printed}`)
    await pause(2)
  }
}

export const stop = async ({ child }: Running): Promise<void> => {
  child.kill("SIGTERM")
  await once(child, "exit")
}

/** Asks every 10 ms until there is an answer, at most 20 s. */
export const until = async <A>(ask: () => Promise<A | undefined>): Promise<A> => {
  for (const from = performance.now(); performance.now() - from < 20_000; await pause(10)) {
    const found = await ask()
    if (found !== undefined) return found
  }
  throw new Error("waited 20 s in vain")
}
