import { Clock, Context, Effect, Exit, type Fiber, Layer } from "effect"
import type { Action, Cell } from "../../../src/domain/Action.ts"
import { RouteTableId } from "../../../src/domain/Ids.ts"
import type { Millis } from "../../../src/domain/Health.ts"
import type { Vpc } from "../../../src/domain/Vpc.ts"
import type { InstanceStatus } from "../../../src/domain/InstanceStatus.ts"
import type { Ec2, Ec2Error, WriteReceipt } from "../../../src/services/ec2/Ec2.ts"
import { ec2Error } from "../../../src/services/ec2/Ec2Failure.ts"
import type { InstanceStatuses } from "../../../src/services/ec2/InstanceStatuses.ts"
import * as SimulatedInstanceStatuses from "../../../src/services/ec2/SimulatedInstanceStatuses.ts"
import { httpStatusOf, type Operation, type WriteOperation } from "../../../src/services/ec2/SimulatedFaults.ts"
import { createRoute, deleteRoute, replaceRoute } from "../../../src/services/ec2/SimulatedRoutes.ts"
import { interfacesOf, tablesOf } from "../../../src/services/ec2/SimulatedVpc.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import type { Topology } from "../../../src/services/ec2/Topology.ts"
import type { Dice } from "./Dice.ts"
import type { Lane } from "./VirtualTime.ts"

/** What goes wrong in EC2's API at present. Shares are of calls. */
export interface ApiWeather {
  throttled: number
  /** 5xx answers. */
  failing: number
  /** Answers that never come, of calls that were not carried out. */
  lostBefore: number
  /** The same of calls that were. */
  lostAfter: number
  readonly denied: Set<string>
  /** Reads show the past, as much as so long ago, each another moment. */
  lag: Millis
  /** A reading fails after its first pages. */
  torn: number
  /** Every call takes longer, up to so much. */
  slow: Millis
}

export const calmApi = (): ApiWeather => ({
  throttled: 0,
  failing: 0,
  lostBefore: 0,
  lostAfter: 0,
  denied: new Set(),
  lag: 0,
  torn: 0,
  slow: 0,
})

/** A write as it goes to EC2. */
export interface Call {
  readonly tag: Action["_tag"]
  readonly table: string
  readonly cidr: string
  readonly interfaceId: string | undefined
}

/** Whoever is told what passes between one daemon and EC2. */
export interface Wiretap {
  readonly sent: (call: Call) => void
  readonly committed: (call: Call) => void
  readonly answered: (call: Call, error: Ec2Error | undefined) => void
  readonly reading: (readAt: Millis, vpc: Vpc) => void
  /** Of these instances so much was found; undefined: EC2 does not know all of them. */
  readonly statuses: (asked: ReadonlyArray<string>, found: ReadonlyMap<string, InstanceStatus> | undefined) => void
}

/** EC2 with its faults. It is no part of any daemon: what was sent to it goes on when the daemon is gone. */
export class Cloud {
  readonly weather = calmApi()
  /** How often which fault of the API struck. */
  readonly struck = new Map<string, number>()
  readonly #lane: Lane
  readonly #dice: Dice
  readonly #simulation: Simulation["Service"]
  readonly #atOnce: Context.Context<never>

  constructor(lane: Lane, dice: Dice, topology: Topology) {
    this.#lane = lane
    this.#dice = dice.named("cloud")
    // With its clock, and without its scheduler: what waits for nothing needs none.
    this.#atOnce = Context.makeUnsafe(new Map([[Clock.Clock.key, Context.get(lane.context, Clock.Clock)]]))
    this.#simulation = Context.get(
      this.now(Effect.scoped(Layer.build(Simulation.layer({ ...topology, latencyMillis: 0 })))),
      Simulation,
    )
    this.now(this.#simulation.setReadLag(longestLag))
  }

  /** Does something to the VPC, at once. */
  now<A>(effect: Effect.Effect<A>): A {
    return Effect.runSyncWith(this.#atOnce)(effect)
  }

  /** The same; false if it makes no sense for the VPC as it is. */
  attempt<E>(effect: Effect.Effect<void, E>): boolean {
    return Exit.isSuccess(Effect.runSyncExitWith(this.#atOnce)(effect))
  }

  get simulation(): Simulation["Service"] {
    return this.#simulation
  }

  get truth(): Vpc {
    return this.now(this.#simulation.truth)
  }

  /** The port as a daemon on `lane` has it. */
  ec2For(lane: Lane, wiretap: Wiretap): Ec2["Service"] {
    const ask = <A, E>(work: Effect.Effect<A, E>) => this.#ask(lane, work)
    const write = (call: Call, cell: Cell, rule: Parameters<Simulation["Service"]["write"]>[2]) =>
      Effect.suspend(() => {
        wiretap.sent(call)
        return ask(this.#write(call, cell, rule, wiretap)).pipe(
          Effect.onExit((exit) =>
            Effect.sync(() => wiretap.answered(call, Exit.isFailure(exit) ? errorOf(exit) : undefined)),
          ),
        )
      })
    const call = (tag: Call["tag"], cell: Cell, interfaceId?: string): Call => ({
      tag,
      table: cell.table,
      cidr: cell.cidr,
      interfaceId,
    })
    return {
      snapshot: Effect.suspend(() => {
        const readAt = lane.time.now
        return Effect.tap(ask(this.#snapshot), (vpc) => Effect.sync(() => wiretap.reading(readAt, vpc)))
      }),
      createRoute: (cell, id) => write(call("CreateRoute", cell, id), cell, (vpc) => createRoute(vpc, cell, id)),
      replaceRoute: (cell, id) => write(call("ReplaceRoute", cell, id), cell, (vpc) => replaceRoute(vpc, cell, id)),
      deleteRoute: (cell) => write(call("DeleteRoute", cell), cell, (vpc) => deleteRoute(vpc, cell)),
    }
  }

  /** The port for the state and the checks of instances. */
  statusesFor(lane: Lane, wiretap: Wiretap): InstanceStatuses["Service"] {
    const { read } = SimulatedInstanceStatuses.make({
      ...this.#simulation,
      read: (operation) => this.#read(operation),
    })
    return {
      read: (instances) =>
        this.#ask(lane, read(instances)).pipe(
          Effect.tap((found) => Effect.sync(() => wiretap.statuses(instances, found))),
          Effect.tapError(({ code }) =>
            Effect.sync(() => code === "InvalidInstanceID.NotFound" && wiretap.statuses(instances, undefined)),
          ),
        ),
    }
  }

  /** Carried out in the cloud, whatever becomes of who asked; the answer comes to whoever still lives. */
  #ask<A, E>(lane: Lane, work: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.callback<A, E>((resume) => {
      const fiber: Fiber.Fiber<A, E> = this.#lane.fork(work)
      fiber.addObserver((exit) => lane.soon(() => resume(exit)))
    })
  }

  #strikes(share: number, fault: string): boolean {
    if (share <= 0 || !this.#dice.hits(share)) return false
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1)
    return true
  }

  #fail(operation: Operation, code: string): Effect.Effect<never, Ec2Error> {
    return Effect.fail(ec2Error({ operation, code, message: `simulated ${code}`, httpStatus: httpStatusOf(code) }))
  }

  /** Half of the way of a call. */
  #pass(): Effect.Effect<void> {
    const { slow } = this.weather
    return Effect.sleep(Math.ceil(this.#dice.between(2, 40) + (slow > 0 ? this.#dice.between(0, slow) : 0)))
  }

  #noAnswer(): Effect.Effect<void> {
    return Effect.sleep(Math.ceil(this.#dice.between(1_000, 5_000)))
  }

  /** The errors before a call is carried out. */
  #refusal(operation: Operation): Effect.Effect<never, Ec2Error> | undefined {
    const { failing, lostBefore, throttled } = this.weather
    if (this.#strikes(throttled, "throttled calls")) return this.#fail(operation, "RequestLimitExceeded")
    if (this.#strikes(failing, "5xx answers"))
      return this.#fail(operation, this.#dice.one(["InternalError", "Unavailable", "ServiceUnavailable"]))
    if (this.#strikes(lostBefore, "calls lost on the way"))
      return Effect.andThen(this.#noAnswer(), this.#fail(operation, "TimeoutError"))
    return undefined
  }

  #write(call: Call, cell: Cell, rule: Parameters<Simulation["Service"]["write"]>[2], wiretap: Wiretap) {
    const operation: WriteOperation = call.tag
    return Effect.gen({ self: this }, function* (): Effect.fn.Return<WriteReceipt, Ec2Error> {
      yield* this.#pass()
      const refusal = this.#refusal(operation)
      if (refusal !== undefined) return yield* refusal
      if (this.weather.denied.has(cell.table)) {
        this.#strikes(1, "denied writes")
        return yield* this.#fail(operation, "UnauthorizedOperation")
      }
      const receipt = yield* this.#simulation.write(
        operation,
        { table: RouteTableId(cell.table), cidr: cell.cidr },
        rule,
      )
      wiretap.committed(call)
      if (this.#strikes(this.weather.lostAfter, "answers lost after the commit")) {
        yield* this.#noAnswer()
        return yield* this.#fail(operation, "TimeoutError")
      }
      yield* this.#pass()
      return receipt
    })
  }

  #read(operation: Operation) {
    return Effect.gen({ self: this }, function* () {
      yield* this.#pass()
      const refusal = this.#refusal(operation)
      if (refusal !== undefined) return yield* refusal
      const { lag } = this.weather
      const isStale = this.#strikes(lag > 0 ? 0.7 : 0, "stale reads")
      yield* this.#simulation.setReadLag(isStale ? Math.max(1, this.#dice.between(0, lag)) : 0.001)
      // No latency of its own: read and setting are one step.
      const shown = yield* Effect.ensuring(this.#simulation.read(operation), this.#simulation.setReadLag(longestLag))
      yield* this.#pass()
      if (this.#strikes(this.weather.torn, "readings that failed between pages"))
        return yield* this.#fail(operation, "InternalError")
      return shown
    })
  }

  /** Four reads at moments of their own, each as stale as it happens to be. */
  readonly #snapshot: Effect.Effect<Vpc, Ec2Error> = Effect.suspend(() =>
    Effect.all(
      {
        vpc: this.#read("DescribeVpcs"),
        tables: Effect.map(this.#read("DescribeRouteTables"), tablesOf),
        interfaces: Effect.map(this.#read("DescribeNetworkInterfaces"), interfacesOf),
        instances: Effect.map(this.#read("DescribeInstances"), ({ instances }) => instances),
      },
      { concurrency: "unbounded" },
    ),
  ).pipe(Effect.map(({ vpc, ...parts }) => ({ id: vpc.id, ownerId: vpc.ownerId, cidrs: vpc.cidrs, ...parts })))
}

const longestLag: Millis = 300_000

const errorOf = (exit: Exit.Failure<unknown, Ec2Error>): Ec2Error | undefined => {
  const error = Exit.findErrorOption(exit)
  return error._tag === "Some" ? error.value : undefined
}
