import { execFile } from "node:child_process"
import { Effect, Schema } from "effect"

/** A tool of the system could not do what a test asked of it. */
export class ToolFailed extends Schema.TaggedError<ToolFailed>()("ToolFailed", {
  message: Schema.String,
}) {}

/** The Debian package that each tool is in. */
const packages: Readonly<Record<string, string>> = {
  ip: "iproute2",
  nft: "nftables",
  setpriv: "util-linux",
}

/** Runs a tool of the system, with `input` on its standard input, and gives what it printed. */
export const run = (tool: string, args: ReadonlyArray<string>, input?: string): Effect.Effect<string, ToolFailed> =>
  Effect.callback((resume) => {
    const child = execFile(tool, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      if (error === null) return resume(Effect.succeed(stdout))
      const missing = error.code === "ENOENT"
      const message = missing
        ? `This test needs the program "${tool}": apt-get install ${packages[tool] ?? tool}`
        : `${tool} ${args.join(" ")}: ${stderr.trim() || error.message}${/not permitted/i.test(stderr) ? " (network namespaces need root)" : ""}`
      resume(Effect.fail(new ToolFailed({ message })))
    })
    child.stdin?.on("error", () => undefined)
    child.stdin?.end(input)
    return Effect.sync(() => child.kill("SIGKILL"))
  })
