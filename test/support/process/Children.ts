import type { ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { Effect, type Scope } from "effect"

/** The processes that a process has started and that still run. */
export const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const family = (pid: number): ReadonlyArray<number> => [pid, ...childrenOf(pid).flatMap(family)]

const isOver = ({ exitCode, pid, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null || pid === undefined

/** Ends a process and all below it: a program that runs another (`script`, `sh`) does not take that one along. */
const killAll = (child: ChildProcess): void => {
  if (isOver(child) || child.pid === undefined) return
  for (const pid of family(child.pid)) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It ended meanwhile.
    }
  }
}

const running = new Set<ChildProcess>()

const killWhatRuns = (): void => running.forEach(killAll)

let isWatching = false

/** Scopes do not close where the process of the tests is ended from outside: a run that is cancelled, a test that hangs. */
const watchOurEnd = (): void => {
  if (isWatching) return
  isWatching = true
  process.once("exit", killWhatRuns)
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.once(signal, () => {
      killWhatRuns()
      process.kill(process.pid, signal)
    })
}

/** A process for as long as the scope lasts; nothing of it is left then, nor when the process of the tests ends before. */
export const scopedChild = <Child extends ChildProcess>(start: () => Child): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      watchOurEnd()
      const child = start()
      running.add(child)
      return child
    }),
    (child) =>
      Effect.callback<void>((resume) => {
        running.delete(child)
        if (isOver(child)) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        killAll(child)
      }),
  )
