import type { StatusJson } from "../../services/http/StatusJson.ts"

/** Something in a status that an operator should know of. */
export interface Alarm {
  readonly about: "daemon" | "host" | "unwatched" | "hold"
  /** Tells it from others over time, whatever its words count or measure. */
  readonly key: string
  readonly words: string
}

const sourceAlarms = ({
  config,
  health,
}: StatusJson["sources"]): ReadonlyArray<readonly [key: string, words: string]> => [
  ...(config.state === "ok"
    ? []
    : [["config", `the source of specs (${config.name}) is ${config.state}: ${config.why ?? "unknown why"}`] as const]),
  ...(health.state === "up"
    ? []
    : [["health", `the watch on hosts (${health.name}) is down: ${health.why ?? "unknown why"}`] as const]),
]

const heldWords = ({ cidr, table, words }: StatusJson["held"][number]): string =>
  `held: ${cidr}${table === null ? "" : ` in ${table}`}: ${words}`

const daemonAlarms = (status: StatusJson): ReadonlyArray<readonly [key: string, words: string]> => [
  ...(status.protecting ? [] : [["spec", "no spec is in force: nothing is protected"] as const]),
  ...(status.last_refresh.at === null && status.last_refresh.error === null
    ? [["unread", "EC2 has not been read yet"] as const]
    : []),
  ...status.conditions.map(({ words }) => [`condition ${words}`, words] as const),
  ...sourceAlarms(status.sources),
]

/** Everything that is not well; empty: all is well. */
export const alarmsOf = (status: StatusJson): ReadonlyArray<Alarm> => [
  ...daemonAlarms(status).map(([key, words]) => ({ about: "daemon" as const, key, words })),
  ...status.failed_hosts.map(({ ip, reason }) => ({
    about: "host" as const,
    key: `host ${ip}`,
    words: `host ${ip} failed: ${reason}`,
  })),
  ...status.hosts.flatMap(({ ip, reason, verdict }) =>
    verdict === "unwatched"
      ? [{ about: "unwatched" as const, key: `unwatched ${ip}`, words: `host ${ip} is unwatched: ${reason ?? ""}` }]
      : [],
  ),
  ...status.held.map((held) => ({
    about: "hold" as const,
    key: `held ${held.cidr} ${held.table ?? "*"} ${held.reason}`,
    words: heldWords(held),
  })),
]
