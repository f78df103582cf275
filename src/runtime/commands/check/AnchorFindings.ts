import type { Ip } from "../../../domain/Ip.ts"
import { hostsOf, type RouteSpec } from "../../../domain/RouteSpec.ts"
import { type Finding, ok, skip, warn } from "./Finding.ts"
import type { Watched } from "./HostFindings.ts"

const answering = (anchor: Ip, watched: Watched): Finding => {
  const about = `anchor ${anchor}`
  if (watched._tag !== "Watched") return skip(about, watched.why)
  const checks = [...(watched.anchors.get(anchor) ?? [])].sort()
  return checks.length === 0
    ? warn(about, "did not answer: it counts for nothing until it does")
    : ok(about, `answers ${checks.join(", ")}`)
}

/** Whether each anchor answers, and carries no routes. */
export const anchorFindings = (
  anchors: ReadonlyArray<Ip>,
  spec: RouteSpec | undefined,
  watched: Watched,
): ReadonlyArray<Finding> => {
  const hosts = spec === undefined ? new Set<Ip>() : hostsOf(spec)
  return anchors.flatMap((anchor) => [
    answering(anchor, watched),
    ...(hosts.has(anchor)
      ? [warn(`anchor ${anchor}`, "it is a host of the spec: when that host fails, this monitor is taken for cut off")]
      : []),
  ])
}
