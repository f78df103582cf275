import { createHash } from "node:crypto"
import { Predicate } from "effect"
import type { InstanceId, InterfaceId, RouteTableId, VpcId } from "../../domain/Ids.ts"
import type { InstanceState, NetworkInterface, Route, RouteTable, Vpc } from "../../domain/Vpc.ts"
import type { Reading } from "./ReadSnapshot.ts"
import type { SharedRoutes } from "./SharedRoutes.ts"

// What passes between the thread that reads and the main thread, by structured clone. A VPC is sent in small parts, and only those that are
// not as they were in the reading before: taking a message is work for the main thread, and it shall have little at once.

/** The main thread asks: for the reading, for its next part. */
export type Ask = "read" | "next"

/** Some of the VPC's items: whole tables, or some hundred interfaces or instances. */
export interface Part {
  readonly tables?: RouteTable
  readonly interfaces?: ReadonlyArray<NetworkInterface>
  readonly instances?: ReadonlyArray<readonly [InstanceId, InstanceState]>
}

/** A part on its way: routes that went before, in this part or another one of the reading, are not sent again. */
export interface SentPart extends Omit<Part, "tables"> {
  readonly tables?: Omit<RouteTable, "routes">
  /** The table's routes, by their numbers in the order in which the reading's routes were first sent. */
  readonly routes?: Uint32Array
  readonly newRoutes?: ReadonlyArray<Route>
}

/** Which parts make the VPC, by their digests, in order. Those that the main thread lacks follow one by one. */
export interface Contents {
  readonly vpc: Reading["vpc"]
  readonly digests: ReadonlyArray<string>
  readonly missing: ReadonlyArray<string>
}

/** An `Ec2Error` without its class, or a fault of the thread itself. */
export interface Failure {
  readonly operation: string
  readonly code: string
  readonly message: string
  readonly disposition: string
  readonly requestId?: string | undefined
}

export type Answer =
  | { readonly _tag: "Contents"; readonly contents: Contents }
  | { readonly _tag: "Part"; readonly part: SentPart }
  | { readonly _tag: "Failed"; readonly failure: Failure }

export const isAnswer = (value: unknown): value is Answer =>
  (["Contents", "Part", "Failed"] as const).some((tag) => Predicate.isTagged(value, tag))

/** Interfaces or instances in a part. */
const perPart = 250

const parted = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(items.length / perPart) }, (_, n) => items.slice(n * perPart, (n + 1) * perPart))

const partsOf = ({ instances, interfaces, tables }: Reading): ReadonlyArray<Part> => [
  ...tables.map((table) => ({ tables: table })),
  ...parted(interfaces).map((some) => ({ interfaces: some })),
  ...parted(instances).map((some) => ({ instances: some })),
]

/** Maps have no JSON of their own. */
const plain = (_: string, value: unknown): unknown => (value instanceof Map ? [...value] : value)

const digestOf = (part: Part): string => createHash("sha256").update(JSON.stringify(part, plain)).digest("base64")

/** Leaves out what the numbers tell that `numbers` has; those of new routes are added to it. */
const toSendOf = ({ tables, ...others }: Part, numbers: Map<Route, number>): SentPart => {
  if (tables === undefined) return others
  const { routes, ...table } = tables
  const newRoutes: Array<Route> = []
  const numberOf = (route: Route): number => {
    const known = numbers.get(route)
    if (known !== undefined) return known
    newRoutes.push(route)
    numbers.set(route, numbers.size)
    return numbers.size - 1
  }
  return { tables: table, routes: Uint32Array.from(routes, numberOf), newRoutes }
}

/** The reading thread's side: what it has to send of a reading to one that knows `known`. Equal routes are best the same object. */
export const toSend = (
  reading: Reading,
  known: ReadonlySet<string>,
): { readonly contents: Contents; readonly parts: ReadonlyArray<SentPart> } => {
  const digests: Array<string> = []
  const missing = new Map<string, SentPart>()
  const numbers = new Map<Route, number>()
  for (const part of partsOf(reading)) {
    const digest = digestOf(part)
    digests.push(digest)
    if (!known.has(digest) && !missing.has(digest)) missing.set(digest, toSendOf(part, numbers))
  }
  return { contents: { vpc: reading.vpc, digests, missing: [...missing.keys()] }, parts: [...missing.values()] }
}

/**
 * The main thread's side, part by part, in order. `sent`: the routes that came with the reading so far; those of `part` are added. Undefined: it
 * names a route that did not come.
 */
export const receive = (part: SentPart, sent: Array<Route>, shared: SharedRoutes): Part | undefined => {
  const { newRoutes = [], routes: numbers, tables, ...others } = part
  for (const route of newRoutes) sent.push(shared.share(route))
  if (tables === undefined || numbers === undefined) return others
  const routes = [...numbers].flatMap((number) => sent[number] ?? [])
  return routes.length === numbers.length ? { ...others, tables: { ...tables, routes } } : undefined
}

/** The parts in hand, and the VPC that they make. */
export interface Known {
  readonly contents: Contents
  readonly parts: ReadonlyMap<string, Part>
  readonly vpc: Vpc
}

const same = <A>(one: ReadonlyArray<A>, other: ReadonlyArray<A>): boolean =>
  one.length === other.length && one.every((item, at) => item === other[at])

/** The main thread's side. A VPC that is as it was before is the same object. `parts`: those that were missing, in order. */
export const assemble = (
  id: VpcId,
  before: Known | undefined,
  contents: Contents,
  received: ReadonlyArray<Part>,
): Known => {
  if (before !== undefined && received.length === 0 && same(before.contents.digests, contents.digests))
    if (JSON.stringify(before.contents.vpc) === JSON.stringify(contents.vpc)) return { ...before, contents }
  const fresh = new Map(contents.missing.map((digest, at) => [digest, received[at]]))
  const parts = new Map<string, Part>()
  const tables = new Map<RouteTableId, RouteTable>()
  const interfaces = new Map<InterfaceId, NetworkInterface>()
  const instances = new Map<InstanceId, InstanceState>()
  for (const digest of contents.digests) {
    const part = fresh.get(digest) ?? before?.parts.get(digest)
    if (part === undefined) continue
    parts.set(digest, part)
    if (part.tables !== undefined) tables.set(part.tables.id, part.tables)
    for (const found of part.interfaces ?? []) interfaces.set(found.id, found)
    for (const [instance, state] of part.instances ?? []) instances.set(instance, state)
  }
  return { contents, parts, vpc: { id, ...contents.vpc, tables, interfaces, instances } }
}
