import { Effect } from "effect"
import { type Action, cellKey, targetWords, words } from "../domain/Action.ts"
import { guardHoldsOf } from "../domain/GuardHold.ts"
import type { Millis } from "../domain/Health.ts"
import type { Ip } from "../domain/Ip.ts"
import type { Operator } from "../domain/Operator.ts"
import { hostsOf, type RouteSpec } from "../domain/RouteSpec.ts"
import type { World } from "../domain/World.ts"
import type { WorldEvent } from "../domain/WorldEvent.ts"
import { AuditLog } from "../services/audit/AuditLog.ts"
import type { AuditRecord, SpecOriginJson, WriteRecord } from "../services/audit/AuditRecord.ts"
import type { Outcome } from "../services/ec2/Executor.ts"
import { isoTime } from "../services/IsoTime.ts"
import { now } from "../services/Now.ts"
import { guardNames } from "./GuardsToJson.ts"
import { writeNames } from "./StatusToJson.ts"

/** Changes and deletions that one record lists at most. */
const mostListed = 100

const peerOf = (operator: Operator | undefined): string | null => operator?.peer ?? null
const listed = <A>(all: ReadonlyArray<A>) => ({
  some: all.slice(0, mostListed),
  more: Math.max(0, all.length - mostListed),
})

/** `HostFailed` as `host_failed`. */
const snake = (tag: string): string => tag.replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase()

const changesOf = (before: RouteSpec, after: RouteSpec) =>
  [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((cidr) => ({ cidr, before: before.get(cidr) ?? null, after: after.get(cidr) ?? null }))
    .filter((change) => change.before?.join() !== change.after?.join())

type Ending = Exclude<Outcome, { readonly _tag: "Unanswered" }>
type Asked = NonNullable<WriteRecord["operator"]>

/** Tells the audit log what changed, and who asked for it: knows where the spec and the operator's words came from. */
export class Auditor {
  readonly #source: string
  #spec: { readonly origin: SpecOriginJson; readonly spec: RouteSpec } | undefined
  #drains: ReadonlyMap<Ip, Asked> = new Map()
  #confirmed = new Map<string, Asked>()

  /** `source`: the name of the config source. */
  constructor(source: string) {
    this.#source = source
  }

  /** An event was applied to the world `before`. */
  readonly applied = Effect.fnUntraced({ self: this }, function* (event: WorldEvent, before: World) {
    const record = this.#recordOf(event, before, yield* now)
    if (record !== undefined) yield* (yield* AuditLog).record(record)
  })

  /** A write came to its end. `isAlreadySo`: EC2 refused it because the cell is as the write would have it. */
  readonly ended = Effect.fnUntraced({ self: this }, function* (outcome: Ending, isAlreadySo = false) {
    const { action, at, attempts } = outcome
    const told = outcome._tag === "Done" ? undefined : outcome
    const isThere = action._tag === "CreateRoute"
    const error = told && { code: told.code, message: told.message, disposition: told.disposition }
    yield* (yield* AuditLog).record({
      ...this.#writeOf(action, isoTime(at)),
      outcome: outcome._tag === "Done" ? "done" : !isAlreadySo ? "failed" : isThere ? "already_there" : "already_gone",
      request_id: outcome.requestId ?? null,
      attempts,
      error: error ?? null,
    })
    // What was confirmed has happened; the same route may be deleted again, for another reason.
    if (told === undefined && action._tag === "DeleteRoute") this.#confirmed.delete(cellKey(action))
  })

  /** The daemon ends before EC2 has answered these. */
  readonly abandoned = Effect.fnUntraced({ self: this }, function* (actions: ReadonlyArray<Action>) {
    const { record } = yield* AuditLog
    const at = isoTime(yield* now)
    const unknown = { outcome: "unknown", request_id: null, attempts: null, error: null } as const
    for (const action of actions) yield* record({ ...this.#writeOf(action, at), ...unknown })
  })

  #recordOf(event: WorldEvent, before: World, millis: Millis): AuditRecord | undefined {
    switch (event._tag) {
      case "SpecAccepted": {
        const at = isoTime(millis)
        const { by, spec } = event
        const changes = changesOf(this.#spec?.spec ?? new Map(), spec)
        // What was confirmed was confirmed for the spec that was in force.
        if (changes.length > 0) this.#confirmed = new Map()
        const { some, more } = listed(changes)
        const origin = { source: this.#source, peer: peerOf(by), at }
        this.#spec = { origin, spec }
        const size = { cidrs: spec.size, hosts: hostsOf(spec).size }
        return { time: at, kind: "spec", source: this.#source, peer: peerOf(by), ...size, changes: some, more }
      }
      case "Restored": {
        const at = isoTime(millis)
        const { confirmed, drained, spec } = event.durable
        this.#spec = { origin: { source: "state-file", peer: null, at }, spec }
        this.#drains = new Map([...drained].map((host) => [host, { action: "drain", peer: null, at: null }]))
        this.#confirmed = new Map(confirmed.map((one) => [cellKey(one), { action: "confirm", peer: null, at: null }]))
        const size = { cidrs: spec.size, hosts: hostsOf(spec).size }
        return { time: at, kind: "restored", ...size, drained: [...drained].sort() }
      }
      case "HostDrained":
      case "HostUndrained": {
        const at = isoTime(millis)
        const kind = event._tag === "HostDrained" ? "drain" : "undrain"
        const drains = new Map(this.#drains)
        if (kind === "drain") drains.set(event.host, { action: "drain", peer: peerOf(event.by), at })
        else drains.delete(event.host)
        this.#drains = drains
        return { time: at, kind, host: event.host, peer: peerOf(event.by) }
      }
      case "DeletionsConfirmed": {
        const { brake, confirmed } = before
        if (brake?.hash !== event.hash) return undefined
        const at = isoTime(millis)
        const asked: Asked = { action: "confirm", peer: peerOf(event.by), at }
        // What was confirmed before and is still to be done, and this.
        const due = [...confirmed.values()].flatMap((one): ReadonlyArray<readonly [string, Asked]> => {
          const known = this.#confirmed.get(cellKey(one))
          return known === undefined ? [] : [[cellKey(one), known]]
        })
        this.#confirmed = new Map([...due, ...brake.deletions.map((one) => [cellKey(one), asked] as const)])
        const { some, more } = listed(brake.deletions)
        const deletions = some.map((one) => ({ table: one.table, cidr: one.cidr, before: targetWords(one.before) }))
        return { time: at, kind: "confirm", hash: event.hash, peer: peerOf(event.by), deletions, more }
      }
      case "HoldConfirmed": {
        const hold = guardHoldsOf(before).find(({ hash }) => hash === event.hash) ?? event.hold
        if (hold === undefined || hold.kind === "DeletionBrake") return undefined
        const at = isoTime(millis)
        const { some, more } = listed(hold.hosts)
        const guard = guardNames[hold.kind]
        return { time: at, kind: "release", guard, hash: event.hash, peer: peerOf(event.by), hosts: some, more }
      }
      case "VerdictsReached":
      case "AnchorsHeard":
      case "VpcRead":
      case "WriteDone":
      case "WriteFailed":
      case "TimeCame":
        return undefined
    }
  }

  #writeOf(action: Action, at: string) {
    const { cidr, reason, table, urgency } = action
    const isDrain = reason._tag === "HostDrained"
    const confirmed = action._tag === "DeleteRoute" ? this.#confirmed.get(cellKey(action)) : undefined
    return {
      time: at,
      kind: "write",
      action: writeNames[action._tag],
      urgency,
      table,
      cidr,
      before: action._tag === "CreateRoute" ? null : targetWords(action.before),
      after: action._tag === "DeleteRoute" ? null : { host: action.host, interface: action.interfaceId },
      reason: snake(reason._tag),
      why: words(reason),
      spec: this.#spec?.origin ?? null,
      operator: (isDrain ? this.#drains.get(reason.host) : confirmed) ?? null,
    } as const
  }
}
