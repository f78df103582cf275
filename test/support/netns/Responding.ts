import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { scopedChild } from "../process/Children.ts"
import type { Namespace } from "./Namespaces.ts"
import { ToolFailed } from "./Tools.ts"

const program = fileURLToPath(new URL("EchoResponder.ts", import.meta.url))

/**
 * Lets pings in a namespace be answered after a random delay between two times in milliseconds, until the scope closes. The kernel answers none there
 * any more.
 */
export const answerLate = Effect.fnUntraced(function* (
  inside: Namespace,
  least: number,
  most: number,
  seed: number,
): Effect.fn.Return<void, ToolFailed, Scope.Scope> {
  yield* inside.exec("sh", "-c", "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
  const args = [
    "netns",
    "exec",
    inside.name,
    process.execPath,
    "--no-warnings",
    program,
    `${least}`,
    `${most}`,
    `${seed}`,
  ]
  const child = yield* scopedChild(() => spawn("ip", args, { stdio: ["ignore", "pipe", "inherit"] }))
  yield* Effect.callback<void, ToolFailed>((resume) => {
    createInterface(child.stdout).once("line", () => resume(Effect.void))
    child.once("exit", () => resume(Effect.fail(new ToolFailed({ message: "the echo responder ended" }))))
  })
})
