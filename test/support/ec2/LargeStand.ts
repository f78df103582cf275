import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { scopedChild } from "../process/Children.ts"

const program = fileURLToPath(new URL("LargeEc2.ts", import.meta.url))

export interface LargeStand {
  readonly endpoint: string
  readonly pid: number
  /** It ends at once. */
  readonly kill: Effect.Effect<void>
}

/** Serves a large VPC from a process of its own, maybe behind a command such as `ip netns exec …`, until the scope closes. */
export const serveLargeVpc = (
  size: { readonly tables: number; readonly routes: number; readonly hosts: number },
  wrapper: ReadonlyArray<string> = [],
): Effect.Effect<LargeStand, never, Scope.Scope> =>
  Effect.gen(function* () {
    const [command = process.execPath, ...args] = [...wrapper, process.execPath]
    const sizes = [size.tables, size.routes, size.hosts].map(String)
    const child = yield* scopedChild(() =>
      spawn(command, [...args, "--no-warnings", program, ...sizes], { stdio: ["ignore", "pipe", "inherit"] }),
    )
    const endpoint = yield* Effect.callback<string>((resume) => {
      createInterface(child.stdout).once("line", (line) => resume(Effect.succeed(line)))
    })
    return { endpoint, pid: child.pid ?? 0, kill: Effect.sync(() => void child.kill("SIGKILL")) }
  })
