import { Effect } from "effect"
import type { StatusJson } from "../../../src/services/http/StatusJson.ts"
import type { ToolFailed } from "../netns/Tools.ts"
import type { RunningDaemon } from "./Daemon.ts"

/** EC2 was read, and no write is decided and not done. */
export const isSettled = ({ pending, queue, tables }: StatusJson): boolean =>
  tables.length > 0 && pending.length === 0 && queue.queued + queue.in_flight === 0

const cellsOf = ({ tables }: StatusJson, destination: string) =>
  tables.map(({ cells }) => cells.find(({ cidr }) => cidr === destination))

/** The host that carries a destination in every table; undefined: not every table has it, or not the same host does. */
export const carrierOf = (status: StatusJson, destination: string): string | undefined => {
  const hosts = new Set(cellsOf(status, destination).map((cell) => cell?.ip ?? undefined))
  return hosts.size === 1 ? [...hosts][0] : undefined
}

/** Waits until one host carries a destination in every table, and nothing is left to be written. */
export const carried = (daemon: RunningDaemon, destination: string, host?: string): Effect.Effect<string, ToolFailed> =>
  Effect.map(
    daemon.until(`${destination} is carried by ${host ?? "a host"} in every table`, (status) => {
      const carrier = carrierOf(status, destination)
      return isSettled(status) && carrier !== undefined && (host === undefined || carrier === host)
    }),
    (status) => carrierOf(status, destination) ?? "",
  )

/** Waits until no table has a destination. */
export const withdrawn = (daemon: RunningDaemon, destination: string): Effect.Effect<StatusJson, ToolFailed> =>
  daemon.until(
    `${destination} is in no table`,
    (status) => isSettled(status) && cellsOf(status, destination).every((cell) => cell === undefined),
  )

/** Waits until these hosts, and no others, are failed. */
export const failed = (
  daemon: RunningDaemon,
  ...hosts: ReadonlyArray<string>
): Effect.Effect<StatusJson, ToolFailed> => {
  const wanted = [...hosts].sort().join(" ")
  return daemon.until(`failed: ${wanted}`, ({ failed_ips }) => [...failed_ips].sort().join(" ") === wanted)
}

/** Waits until every host of the spec is healthy. */
export const allHealthy = (daemon: RunningDaemon): Effect.Effect<StatusJson, ToolFailed> =>
  daemon.until(
    "every host is healthy",
    ({ hosts }) => hosts.length > 0 && hosts.every(({ verdict }) => verdict === "healthy"),
  )

/** What is held for a destination: a reason a line, with the table if it is one. */
export const heldFor = ({ held }: StatusJson, destination: string): ReadonlyArray<string> =>
  held
    .filter(({ cidr }) => cidr === destination)
    .map(({ reason, table }) => (table === null ? reason : `${reason} ${table}`))
