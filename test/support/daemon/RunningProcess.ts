import { spawn } from "node:child_process"
import { Effect, type Scope } from "effect"
import { scopedChild } from "../process/Children.ts"

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunningProcess {
  /** 0: it could not be started. */
  readonly pid: number
  /** What it printed so far. */
  readonly output: () => string
  readonly errors: () => string
  /** Calls back at every line of its standard output, and when it ends. */
  readonly onChange: (listener: () => void) => () => void
  readonly ended: () => Ended | undefined
  /** Waits for its end. */
  readonly exit: Effect.Effect<Ended>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
}

/** Runs a program with exactly this environment; it is killed with the scope. */
export const runProcess = Effect.fnUntraced(function* (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
): Effect.fn.Return<RunningProcess, never, Scope.Scope> {
  const child = yield* scopedChild(() => spawn(command, args, { env, stdio: "pipe" }))
  let output = ""
  let errors = ""
  let ended: Ended | undefined
  const listeners = new Set<() => void>()
  const tell = () => {
    listeners.forEach((listener) => listener())
  }
  const onChange = (listener: () => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  child.stdin.on("error", () => undefined).end()
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
    tell()
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (errors += text))
  child.on("error", ({ message }) => void (errors += message))
  child.on("close", (code, signal) => {
    ended = { code, signal }
    tell()
  })
  return {
    pid: child.pid ?? 0,
    output: () => output,
    errors: () => errors,
    onChange,
    ended: () => ended,
    exit: Effect.callback<Ended>((resume) => {
      const look = () => {
        if (ended === undefined) return
        off()
        resume(Effect.succeed(ended))
      }
      const off = onChange(look)
      look()
      return Effect.sync(off)
    }),
    signal: (signal) => Effect.sync(() => void child.kill(signal)),
  }
})
