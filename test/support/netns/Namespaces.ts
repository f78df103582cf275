import { Effect, type Scope } from "effect"
import { run, type ToolFailed } from "./Tools.ts"

/** A network namespace of the test's own: interfaces, routes and packet filter apart from the machine's. */
export interface Namespace {
  readonly name: string
  /** `ip -n NAMESPACE …`, words separated by blanks. */
  readonly ip: (words: string) => Effect.Effect<string, ToolFailed>
  /** Runs a program inside. */
  readonly exec: (tool: string, ...args: ReadonlyArray<string>) => Effect.Effect<string, ToolFailed>
  /** Loads nftables rules. */
  readonly nft: (rules: string) => Effect.Effect<string, ToolFailed>
}

const prefix = "vpcr"
let made = 0

const alive = (pid: number) =>
  Effect.match(
    Effect.try(() => process.kill(pid, 0)),
    { onFailure: () => false, onSuccess: () => true },
  )

/** Removes what test processes left behind that were killed before they could clean up. */
const sweep = Effect.gen(function* () {
  const listed = yield* run("ip", ["netns", "list"])
  for (const line of listed.split("\n")) {
    const [, name, pid] = new RegExp(`^((?:${prefix})-(\\d+)-\\d+)\\b`).exec(line) ?? []
    if (name === undefined || (yield* alive(Number(pid)))) continue
    yield* Effect.ignore(run("ip", ["netns", "del", name]))
  }
})

/** A namespace with `lo` up and no route to anywhere. It is removed with the scope, and all that is in it. */
export const namespace = Effect.fnUntraced(function* (): Effect.fn.Return<Namespace, ToolFailed, Scope.Scope> {
  if (made === 0) yield* sweep
  const name = `${prefix}-${process.pid}-${++made}`
  yield* Effect.acquireRelease(run("ip", ["netns", "add", name]), () => Effect.orDie(run("ip", ["netns", "del", name])))
  const ip = (words: string) => run("ip", ["-n", name, ...words.split(" ")])
  yield* ip("link set lo up")
  return {
    name,
    ip,
    exec: (tool, ...args) => run("ip", ["netns", "exec", name, tool, ...args]),
    nft: (rules) => run("ip", ["netns", "exec", name, "nft", "-f", "-"], rules),
  }
})

/**
 * A cable from `left` to `right`. The ends are called `device`; they get 10.215.`subnet`.1 and .2 and fd00:215:`subnet`::1 and
 * ::2. No namespace gets a default route, so that nothing sent there can leave the machine.
 */
export const cable = Effect.fnUntraced(function* (left: Namespace, right: Namespace, device: string, subnet: number) {
  yield* left.ip(`link add ${device} type veth peer name ${device} netns ${right.name}`)
  for (const [end, digit] of [
    [left, 1],
    [right, 2],
  ] as const) {
    yield* end.ip(`address add 10.215.${subnet}.${digit}/24 dev ${device}`)
    yield* end.ip(`address add fd00:215:${subnet}::${digit}/64 dev ${device} nodad`)
    yield* end.ip(`link set ${device} up`)
  }
})
