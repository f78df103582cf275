import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { scopedChild } from "../process/Children.ts"
import type { Namespace } from "./Namespaces.ts"
import { ToolFailed } from "./Tools.ts"

const program = fileURLToPath(new URL("EchoResponder.ts", import.meta.url))

/** Starts the responder in a namespace whose kernel answers no more; each line that it prints is told. It ends with the scope. */
const respond = Effect.fnUntraced(function* (
  inside: Namespace,
  options: ReadonlyArray<number>,
  onLine: (line: string) => void,
): Effect.fn.Return<void, ToolFailed, Scope.Scope> {
  yield* inside.exec("sh", "-c", "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
  const args = ["netns", "exec", inside.name, process.execPath, "--no-warnings", program, ...options.map(String)]
  const child = yield* scopedChild(() => spawn("ip", args, { stdio: ["ignore", "pipe", "inherit"] }))
  yield* Effect.callback<void, ToolFailed>((resume) => {
    const lines = createInterface(child.stdout)
    lines.on("line", onLine)
    lines.once("line", () => resume(Effect.void))
    child.once("exit", () => resume(Effect.fail(new ToolFailed({ message: "the echo responder ended" }))))
  })
})

/**
 * Lets pings in a namespace be answered after a random delay between two times in milliseconds, until the scope closes. The kernel answers none there
 * any more.
 */
export const answerLate = (inside: Namespace, least: number, most: number, seed: number) =>
  respond(inside, [least, most, seed], () => undefined)

/** Lets each ping in a namespace get so many answers, of which none is genuine. Gives how many were sent so far. */
export const answerForged = Effect.fnUntraced(function* (
  inside: Namespace,
  perPing: number,
): Effect.fn.Return<() => number, ToolFailed, Scope.Scope> {
  let sent = 0
  yield* respond(inside, [0, 0, 1, perPing], (line) => (sent = Number(line) || sent))
  return () => sent
})
