import { Data } from "effect"
import { compareText } from "../../../domain/Action.ts"
import type { Ip } from "../../../domain/Ip.ts"
import { hostsOf, type RouteSpec } from "../../../domain/RouteSpec.ts"
import type { Vpc } from "../../../domain/Vpc.ts"
import { instanceStateOf, isForeignInterface, type VpcIndex } from "../../../domain/VpcIndex.ts"
import { count } from "../Lines.ts"
import type { HealthPicture } from "../Picture.ts"
import { fail, type Finding, ok, skip, warn } from "./Finding.ts"

/** How the hosts were watched. */
export type Watched = Data.TaggedEnum<{
  Watched: HealthPicture
  /** Nobody asked for it. */
  Unwatched: { readonly why: string }
  /** The daemon could not do it either. */
  Unwatchable: { readonly why: string }
}>
export const Watched = Data.taggedEnum<Watched>()

/** What EC2 says against a host. */
const inVpc = (vpc: Vpc, index: VpcIndex, host: Ip): ReadonlyArray<Finding> => {
  const id = index.interfaceOf.get(host)
  const found = id === undefined ? undefined : vpc.interfaces.get(id)
  if (found === undefined) return [fail(host, `no interface of ${vpc.id} has this address`)]
  if (isForeignInterface(vpc, found)) return [fail(host, `${found.id} belongs to a service or another account`)]
  if (found.instanceId === undefined) return [fail(host, `${found.id} is not attached to an instance`)]
  const state = instanceStateOf(vpc, found)
  return [
    ...(state === undefined || state === "running" ? [] : [fail(host, `its instance ${found.instanceId} is ${state}`)]),
    ...(found.sourceDestCheck
      ? [warn(host, `SourceDestCheck of ${found.id} is on: EC2 drops what it should forward; the host is chosen last`)]
      : []),
  ]
}

const answering = (watched: Watched, host: Ip): ReadonlyArray<Finding> => {
  if (watched._tag !== "Watched") return []
  const verdict = watched.health.get(host)
  if (verdict?._tag === "Healthy") return []
  if (verdict?._tag === "Unwatched") return [fail(host, `nothing watches it: ${verdict.why}`)]
  return [fail(host, verdict?._tag === "Failed" ? `does not answer: ${verdict.reason}` : "did not answer")]
}

/** Whether each host of the spec is in the VPC, forwards, and answers. */
export const hostFindings = (spec: RouteSpec, vpc: Vpc, index: VpcIndex, watched: Watched): ReadonlyArray<Finding> => {
  const hosts = [...hostsOf(spec)].sort(compareText)
  const each = hosts.map((host) => [...inVpc(vpc, index, host), ...answering(watched, host)])
  const fine = each.filter((findings) => findings.length === 0).length
  const how = watched._tag === "Watched" ? "in the VPC, forward and answer" : "in the VPC and forward"
  return [
    ...(watched._tag === "Unwatchable" ? [fail("watching hosts", watched.why)] : []),
    ...(watched._tag === "Watched"
      ? watched.broken.map(({ name, why }) => fail(`check ${name}`, `it has no say: ${why}`))
      : []),
    ...(watched._tag === "Unwatched" && hosts.length > 0 ? [skip("watching hosts", watched.why)] : []),
    ...each.flat(),
    ...(fine === 0 ? [] : [ok("hosts", `${fine} of ${count(hosts.length, "host")} of the spec are ${how}`)]),
  ]
}
