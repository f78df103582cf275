import { Effect, Result } from "effect"

/** What holds one of Node's few threads for files and name look-ups, as Node calls it. */
const holdsThread = /^(FSReq|FileHandle|GetAddrInfo|GetNameInfo)/

const threadsWork = (): boolean => process.getActiveResourcesInfo().some((name) => holdsThread.test(name))

/** How often it is looked whether the threads are done, 25 ms apart. */
const looks = 8

/** Waits a moment for what reads or writes files. */
export const threadsAtRest: Effect.Effect<void> = Effect.gen(function* () {
  for (let left = looks; left > 0 && threadsWork(); left--) yield* Effect.sleep(25)
})

/** What Node itself would heed. */
const withoutNodes = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("NODE_")))

/**
 * Ends the process with this code. `process.exit` waits for threads that are within a call of the kernel: for ever, where
 * a file system does not answer. Then the process becomes another program, for which the kernel ends them, and that one
 * exits.
 */
export const leave = (code: number): never => {
  if (threadsWork())
    Result.try(() =>
      process.execve?.(process.execPath, [process.execPath, "-e", `process.exit(${code})`], withoutNodes(process.env)),
    )
  return process.exit(code)
}
