import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, Schema, type Scope } from "effect"
import { scopedChild } from "../process/Children.ts"
import type { Namespace } from "./Namespaces.ts"
import { ToolFailed } from "./Tools.ts"

const Line = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({
      at: Schema.Number,
      host: Schema.String,
      verdict: Schema.Literals(["Unknown", "Healthy", "Failed", "Unwatched"]),
      reason: Schema.optional(Schema.String),
    }),
    Schema.Struct({ at: Schema.Number, state: Schema.Literals(["Up", "Down"]), why: Schema.optional(Schema.String) }),
  ]),
)
/** One thing that the prober found; `at` in Unix milliseconds. */
export type Finding = typeof Line.Type

/** A prober that runs as a process inside a namespace. */
export interface RunningProber {
  /** Everything found up to now. */
  readonly findings: ReadonlyArray<Finding>
  /** The last verdict of each host. */
  readonly verdicts: () => ReadonlyMap<string, string>
  /** Hosts that are failed now. */
  readonly failed: () => ReadonlyArray<string>
  /** Waits until `holds`, which is asked again at every finding; at most 60 s. */
  readonly until: (what: string, holds: () => boolean) => Effect.Effect<void, ToolFailed>
  readonly signal: (signal: NodeJS.Signals) => void
}

/** The program that a {@link RunningProber} runs. */
export const watchHosts = fileURLToPath(new URL("WatchHosts.ts", import.meta.url))

/**
 * Starts the prober in a namespace. `wrapper` is a command that runs it (`setpriv …`), `program` a bundle to run instead of the
 * source. It is killed with the scope.
 */
export const runProber = Effect.fnUntraced(function* (
  inside: Namespace,
  kind: string,
  hosts: ReadonlyArray<string>,
  { program = watchHosts, wrapper = [] }: { readonly program?: string; readonly wrapper?: ReadonlyArray<string> } = {},
): Effect.fn.Return<RunningProber, never, Scope.Scope> {
  const args = ["netns", "exec", inside.name, ...wrapper, process.execPath, "--no-warnings", program, kind, ...hosts]
  const findings: Array<Finding> = []
  const latest = new Map<string, string>()
  const listeners = new Set<() => void>()
  let trouble = ""
  const child = yield* scopedChild(() => spawn("ip", args, { stdio: ["ignore", "pipe", "pipe"] }))
  const tell = () => listeners.forEach((listener) => listener())
  child.on("error", (error) => (trouble += `${error.message}\n`))
  child.on("exit", (code, signal) => {
    trouble += `the prober ended: ${code ?? signal}\n`
    tell()
  })
  child.stderr.on("data", (text: Buffer) => (trouble += text.toString()))
  createInterface(child.stdout).on("line", (text) => {
    const line = Schema.decodeUnknownOption(Line)(text)
    if (line._tag === "None") {
      trouble += `${text}\n`
      return
    }
    findings.push(line.value)
    if ("host" in line.value) latest.set(line.value.host, line.value.verdict)
    tell()
  })
  return {
    findings,
    verdicts: () => latest,
    failed: () =>
      [...latest]
        .filter(([, verdict]) => verdict === "Failed")
        .map(([host]) => host)
        .sort(),
    until: (what, holds) =>
      Effect.callback<void>((resume) => {
        const check = () => {
          if (!holds()) return
          listeners.delete(check)
          resume(Effect.void)
        }
        listeners.add(check)
        check()
        return Effect.sync(() => listeners.delete(check))
      }).pipe(
        Effect.timeout("60 seconds"),
        Effect.mapError(() => {
          const last = findings.slice(-12).map((finding) => JSON.stringify(finding))
          return new ToolFailed({ message: `not seen within 60 s: ${what}\n${last.join("\n")}\n${trouble}` })
        }),
      ),
    signal: (signal) => void child.kill(signal),
  }
})
