import { Result, Schema } from "effect"
import { parseCidr } from "../../domain/Cidr.ts"
import { decodeSpecValue } from "../../domain/DecodeSpecValue.ts"
import { brakeFor, bucket, type DeleteRoute, deletionKey, type Minute } from "../../domain/DeletionBrake.ts"
import { Action, compareText, Reason } from "../../domain/Action.ts"
import type { Durable } from "../../domain/Durable.ts"
import type { Millis } from "../../domain/Health.ts"
import { AccountId, InstanceId, InterfaceId, RouteTableId } from "../../domain/Ids.ts"
import { type Ip, parseIp } from "../../domain/Ip.ts"
import { type JsonPath, quote, showPath } from "../../domain/JsonPath.ts"
import { parseJsonText } from "../../domain/JsonText.ts"
import { encodeRouteSpec } from "../../domain/RouteSpec.ts"
import { RouteTarget } from "../../domain/Vpc.ts"
import { faulty, misshapen } from "./StateFaults.ts"

const TargetJson = Schema.Union([
  Schema.Struct({
    interface: Schema.String,
    instance: Schema.optionalKey(Schema.String),
    owner: Schema.optionalKey(Schema.String),
  }),
  Schema.Struct({ instance: Schema.String, owner: Schema.optionalKey(Schema.String) }),
])
type TargetJson = typeof TargetJson.Type

const DeletionsJson = Schema.Array(Schema.Struct({ table: Schema.String, cidr: Schema.String, target: TargetJson }))

const StateJson = Schema.Struct({
  version: Schema.Literal(1),
  /** Files of older versions do not say it. */
  vpc: Schema.optionalKey(Schema.String),
  route_spec: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  named: Schema.Array(Schema.String),
  drained: Schema.Array(Schema.String),
  confirmed: DeletionsJson,
  /** Since 2.0.0; without them nothing was let go, nothing is held, and the hour begins anew. */
  let_go: Schema.optionalKey(Schema.Array(Schema.Struct({ host: Schema.String, at: Schema.Int }))),
  held: Schema.optionalKey(DeletionsJson),
  last_hour: Schema.optionalKey(
    Schema.Array(Schema.Struct({ since: Schema.Int, routes: Schema.Int, deleted: Schema.Array(Schema.String) })),
  ),
})

const encodeTarget = (target: RouteTarget): TargetJson | undefined => {
  switch (target._tag) {
    case "Interface":
      return {
        interface: target.interfaceId,
        ...(target.instanceId === undefined ? {} : { instance: target.instanceId }),
        ...(target.ownerId === undefined ? {} : { owner: target.ownerId }),
      }
    case "Instance":
      return { instance: target.instanceId, ...(target.ownerId === undefined ? {} : { owner: target.ownerId }) }
    case "Other":
      return undefined
  }
}

const decodeTarget = (json: TargetJson): RouteTarget => {
  const ownerId = json.owner === undefined ? undefined : AccountId(json.owner)
  const instanceId = json.instance === undefined ? undefined : InstanceId(json.instance)
  return "interface" in json
    ? RouteTarget.Interface({ interfaceId: InterfaceId(json.interface), instanceId, ownerId })
    : RouteTarget.Instance({ instanceId: InstanceId(json.instance), ownerId })
}

const encodeDeletions = (deletions: ReadonlyArray<DeleteRoute>): typeof DeletionsJson.Type =>
  [...deletions]
    .sort((a, b) => compareText(deletionKey(a), deletionKey(b)))
    .flatMap(({ before, cidr, table }) => {
      const target = encodeTarget(before)
      return target === undefined ? [] : [{ table, cidr, target }]
    })

/** What a state file holds. */
export interface Kept {
  /** Whose state it is; undefined: an older version did not say. */
  readonly vpc: string | undefined
  readonly state: Durable
}

/** The state as the text of its file: JSON, sorted, so that equal states are equal texts. Its hour is by the wall clock. */
export const encodeState = ({ state: { spec, named, drained, confirmed, letGo, brake, hour }, vpc }: Kept): string =>
  JSON.stringify({
    version: 1,
    vpc,
    route_spec: encodeRouteSpec(spec),
    named: [...named].sort(compareText),
    drained: [...drained].sort(compareText),
    confirmed: encodeDeletions(confirmed),
    let_go: [...letGo].map(([host, at]) => ({ host, at })).sort((a, b) => compareText(a.host, b.host)),
    held: encodeDeletions(brake?.deletions ?? []),
    last_hour: hour.map(({ minute, owned, deleted }) => ({
      since: minute * bucket,
      routes: owned,
      deleted: [...deleted].sort(compareText),
    })),
  })

const decodeJson = Schema.decodeUnknownResult(StateJson, { errors: "all" })

const parseJson = (text: string): Result.Result<unknown, string> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => {
      // Tells the place; Node does not always.
      const told = parseJsonText(text)
      return Result.isFailure(told)
        ? faulty([[told.failure.path, told.failure.message]])
        : faulty([["$", `not JSON: ${String(error)}`]])
    },
  })

type Parse<A> = (text: string) => Result.Result<A, string>

const one = <A>(text: string, path: JsonPath, what: string, parse: Parse<A>): Result.Result<A, string> =>
  Result.mapError(parse(text), (why) => faulty([[path, `expected ${what}, got ${quote(text)}: ${why}`]]))

const all = <A>(texts: ReadonlyArray<string>, path: JsonPath, what: string, parse: Parse<A>) =>
  Result.all(texts.map((text, at) => one(text, [...path, at], what, parse)))

const decodeDeletions = (
  deletions: typeof DeletionsJson.Type,
  path: JsonPath,
): Result.Result<ReadonlyArray<DeleteRoute>, string> =>
  Result.all(
    deletions.map(({ cidr, table, target }, at) =>
      Result.map(one(cidr, [...path, at, "cidr"], "a CIDR", parseCidr), (parsed) =>
        Action.DeleteRoute({
          table: RouteTableId(table),
          cidr: parsed.cidr,
          before: decodeTarget(target),
          reason: Reason.NotInSpec(),
          urgency: "deletion",
        }),
      ),
    ),
  )

/** Reads the text of a state file. The failure says what is wrong with it, and where, on one line. */
export const decodeState = (text: string): Result.Result<Kept, string> =>
  Result.gen(function* () {
    const found = yield* parseJson(text)
    const json = yield* Result.mapError(decodeJson(found), ({ issue }) => misshapen(found, issue))
    const routes = new Map(Object.entries(json.route_spec))
    const { spec } = yield* Result.mapError(decodeSpecValue(routes), (problems) =>
      faulty(problems.map(({ path, message }) => [`${showPath(["route_spec"])}${path.slice(1)}`, message])),
    )
    const named = yield* all(json.named, ["named"], "a CIDR", parseCidr)
    const drained = yield* all(json.drained, ["drained"], "an IP address", parseIp)
    const confirmed = yield* decodeDeletions(json.confirmed, ["confirmed"])
    const letGo = new Map<Ip, Millis>()
    for (const [at, entry] of (json.let_go ?? []).entries())
      letGo.set(yield* one(entry.host, ["let_go", at, "host"], "an IP address", parseIp), entry.at)
    const held = yield* decodeDeletions(json.held ?? [], ["held"])
    const hour: Array<Minute> = []
    for (const [at, { deleted, routes, since }] of (json.last_hour ?? []).entries()) {
      const gone = yield* all(deleted, ["last_hour", at, "deleted"], "a CIDR", parseCidr)
      hour.push({ minute: Math.floor(since / bucket), owned: routes, deleted: gone.map(({ cidr }) => cidr) })
    }
    const ranges = new Set(named.map(({ cidr }) => cidr))
    const state = {
      spec,
      named: ranges,
      drained: new Set(drained),
      confirmed,
      letGo,
      brake: brakeFor(spec, held),
      hour,
    }
    return { vpc: json.vpc, state }
  })
