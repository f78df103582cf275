import { Result, Schema } from "effect"
import { parseCidr } from "../../domain/Cidr.ts"
import { decodeRouteSpec } from "../../domain/DecodeRouteSpec.ts"
import { type DeleteRoute, deletionKey } from "../../domain/DeletionBrake.ts"
import { Action, compareText, Reason } from "../../domain/Action.ts"
import type { Durable } from "../../domain/Durable.ts"
import { AccountId, InstanceId, InterfaceId, RouteTableId } from "../../domain/Ids.ts"
import { parseIp } from "../../domain/Ip.ts"
import { encodeRouteSpec } from "../../domain/RouteSpec.ts"
import { RouteTarget } from "../../domain/Vpc.ts"

const TargetJson = Schema.Union([
  Schema.Struct({
    interface: Schema.String,
    instance: Schema.optionalKey(Schema.String),
    owner: Schema.optionalKey(Schema.String),
  }),
  Schema.Struct({ instance: Schema.String, owner: Schema.optionalKey(Schema.String) }),
])
type TargetJson = typeof TargetJson.Type

const StateJson = Schema.Struct({
  version: Schema.Literal(1),
  route_spec: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  named: Schema.Array(Schema.String),
  drained: Schema.Array(Schema.String),
  confirmed: Schema.Array(Schema.Struct({ table: Schema.String, cidr: Schema.String, target: TargetJson })),
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

/** The state as the text of its file: JSON, sorted, so that equal states are equal texts. */
export const encodeState = ({ spec, named, drained, confirmed }: Durable): string =>
  JSON.stringify({
    version: 1,
    route_spec: encodeRouteSpec(spec),
    named: [...named].sort(compareText),
    drained: [...drained].sort(compareText),
    confirmed: [...confirmed]
      .sort((a, b) => compareText(deletionKey(a), deletionKey(b)))
      .flatMap(({ before, cidr, table }) => {
        const target = encodeTarget(before)
        return target === undefined ? [] : [{ table, cidr, target }]
      }),
  })

const textual = Schema.decodeUnknownResult(Schema.fromJsonString(StateJson))

/** Reads the text of a state file. The failure says what is wrong with it. */
export const decodeState = (text: string): Result.Result<Durable, string> =>
  Result.gen(function* () {
    const json = yield* Result.mapError(textual(text), ({ message }) => message)
    const { spec } = yield* Result.mapError(decodeRouteSpec(JSON.stringify(json.route_spec)), (problems) =>
      problems.map(({ path, message }) => `route_spec ${path}: ${message}`).join("; "),
    )
    const named = yield* Result.all(json.named.map((range) => parseCidr(range)))
    const drained = yield* Result.all(json.drained.map((host) => parseIp(host)))
    const confirmed: Array<DeleteRoute> = []
    for (const { cidr, table, target } of json.confirmed) {
      const parsed = yield* parseCidr(cidr)
      confirmed.push(
        Action.DeleteRoute({
          table: RouteTableId(table),
          cidr: parsed.cidr,
          before: decodeTarget(target),
          reason: Reason.NotInSpec(),
          urgency: "deletion",
        }),
      )
    }
    return { spec, named: new Set(named.map(({ cidr }) => cidr)), drained: new Set(drained), confirmed }
  })
