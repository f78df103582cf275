import fc from "fast-check"
import type { Action } from "../../../src/domain/Action.ts"
import { apply } from "../../../src/domain/Apply.ts"
import type { Cidr } from "../../../src/domain/Cidr.ts"
import { type Decision, decide, pendingOf } from "../../../src/domain/Decide.ts"
import type { Durable } from "../../../src/domain/Durable.ts"
import { guardHoldsOf } from "../../../src/domain/GuardHold.ts"
import { type Millis, Verdict } from "../../../src/domain/Health.ts"
import type { Ip } from "../../../src/domain/Ip.ts"
import type { Policy } from "../../../src/domain/Policy.ts"
import type { RouteSpec } from "../../../src/domain/RouteSpec.ts"
import type { Vpc } from "../../../src/domain/Vpc.ts"
import { empty, type World } from "../../../src/domain/World.ts"
import { WorldEvent } from "../../../src/domain/WorldEvent.ts"
import { dispositionOf } from "../../../src/domain/WriteFailure.ts"
import { anyDestination, hosts, strangers } from "./Pools.ts"
import { anyGuards, anyPolicy, anySpec, anyVerdict, anyVpc } from "./Scenes.ts"

// Histories that no EC2 would write: every event at any time, in any order. What holds for them holds for all.

/** What is said of an anchor. */
export type AnchorWord = "answering" | "missing" | "failed" | "unknown"

/** One thing that happens, `after` so many milliseconds. Writes are chosen from those that are wanted at the time. */
export type Step = { readonly after: Millis } & (
  | { readonly _tag: "Spec"; readonly spec: RouteSpec }
  | { readonly _tag: "Read"; readonly vpc: number; readonly lag: Millis }
  | { readonly _tag: "Verdicts"; readonly verdicts: ReadonlyArray<readonly [Ip, Verdict["_tag"] | "Missing"]> }
  | { readonly _tag: "Done"; readonly choice: number }
  | { readonly _tag: "Unanswered"; readonly choice: number }
  | { readonly _tag: "Refused"; readonly choice: number; readonly code: string }
  | { readonly _tag: "Drain"; readonly host: Ip }
  | { readonly _tag: "Undrain"; readonly host: Ip }
  | { readonly _tag: "Confirm"; readonly right: boolean }
  | { readonly _tag: "Anchors"; readonly verdicts: ReadonlyArray<readonly [anchor: Ip, verdict: AnchorWord]> }
  | { readonly _tag: "Release"; readonly choice: number }
  | { readonly _tag: "Nothing" }
)

export interface History {
  readonly policy: Policy
  /** What was kept from before the start, if anything was. */
  readonly restored: Durable | undefined
  readonly vpcs: ReadonlyArray<Vpc>
  readonly steps: ReadonlyArray<Step>
}

const codes = [
  "RequestLimitExceeded",
  "RequestTimeout",
  "InvalidRoute.NotFound",
  "RouteAlreadyExists",
  "RouteLimitExceeded",
  "InvalidNetworkInterfaceID.NotFound",
  "InvalidParameterValue",
  "UnauthorizedOperation",
]

const anyChoice = fc.nat(30)

const anyEvent = fc.oneof(
  { weight: 1, arbitrary: anySpec.map((spec) => ({ _tag: "Spec", spec }) as const) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0, 0, 1, 2), fc.constantFrom(0, 200, 3_000, 20_000))
      .map(([vpc, lag]) => ({ _tag: "Read", vpc, lag }) as const),
  },
  {
    weight: 5,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom(...hosts),
          fc.oneof(
            { weight: 9, arbitrary: anyVerdict.map(({ _tag }) => _tag) },
            { weight: 1, arbitrary: fc.constant("Missing" as const) },
          ),
        ),
        { maxLength: 6 },
      )
      .map((verdicts) => ({ _tag: "Verdicts", verdicts }) as const),
  },
  { weight: 8, arbitrary: anyChoice.map((choice) => ({ _tag: "Done", choice }) as const) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyChoice, fc.constantFrom(...codes))
      .map(([choice, code]) => ({ _tag: "Refused", choice, code }) as const),
  },
  { weight: 3, arbitrary: anyChoice.map((choice) => ({ _tag: "Unanswered", choice }) as const) },
  { weight: 1, arbitrary: fc.constantFrom(...hosts).map((host) => ({ _tag: "Drain", host }) as const) },
  { weight: 1, arbitrary: fc.constantFrom(...hosts).map((host) => ({ _tag: "Undrain", host }) as const) },
  { weight: 1, arbitrary: fc.boolean().map((right) => ({ _tag: "Confirm", right }) as const) },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom(...strangers),
          fc.constantFrom<AnchorWord>("answering", "answering", "missing", "failed", "failed", "unknown"),
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((verdicts) => ({ _tag: "Anchors", verdicts }) as const),
  },
  { weight: 1, arbitrary: anyChoice.map((choice) => ({ _tag: "Release", choice }) as const) },
  { weight: 2, arbitrary: fc.constant({ _tag: "Nothing" } as const) },
)

const anyPause: fc.Arbitrary<Millis> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 1_200 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1_200, max: 40_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 40_000, max: 4_000_000 }) },
)

const anyDurable: fc.Arbitrary<Durable> = fc.record({
  spec: anySpec,
  named: fc.array(anyDestination).map((some) => new Set(some)),
  drained: fc.subarray([...hosts], { maxLength: 2 }).map((some) => new Set(some)),
  confirmed: fc.constant([]),
  // Histories begin at 1,000,000.
  letGo: fc.subarray([...hosts], { maxLength: 3 }).map((some) => new Map(some.map((host, n) => [host, 500_000 * n]))),
  brake: fc.constant(undefined),
  hour: fc.constant([]),
})

export const anyHistory = (maxSteps: number): fc.Arbitrary<History> =>
  fc
    .record({
      policy: anyPolicy,
      guards: anyGuards,
      restored: fc.option(anyDurable, { nil: undefined, freq: 2 }),
      spec: anySpec,
      vpc: anyVpc,
      other: anyVpc,
      steps: fc.array(
        fc.tuple(anyPause, anyEvent).map(([after, event]): Step => ({ ...event, after })),
        { minLength: 3, maxLength: maxSteps, size: "max" },
      ),
    })
    .map(({ policy, guards, restored, spec, vpc, other, steps }) => ({
      policy: guards === undefined ? policy : { ...policy, guards },
      restored,
      // The same VPC, with other hosts in it; and with other tables.
      vpcs: [vpc, { ...other, tables: vpc.tables }, { ...vpc, tables: other.tables }],
      steps: [
        { _tag: "Spec", spec, after: 0 },
        { _tag: "Verdicts", verdicts: hosts.map((host) => [host, "Healthy"]), after: 900 },
        { _tag: "Read", vpc: 0, lag: 0, after: 0 },
        ...steps,
      ],
    }))

const verdictOf = (_tag: Verdict["_tag"] | "Missing", since: Millis): Verdict => {
  switch (_tag) {
    case "Missing":
      return Verdict.Healthy({ since, silentSince: since })
    case "Failed":
      return Verdict.Failed({ since, reason: "3 probes lost" })
    case "Unwatched":
      return Verdict.Unwatched({ since, why: "no alarm covers it" })
    case "Unknown":
    case "Healthy":
      return { _tag, since }
  }
}

const anchorVerdict = (word: AnchorWord, at: Millis): Verdict => {
  switch (word) {
    case "answering":
      return Verdict.Healthy({ since: at })
    case "missing":
      return Verdict.Healthy({ since: at, silentSince: at })
    case "failed":
      return Verdict.Failed({ since: at, reason: "3 probes lost", silentSince: at - 450 })
    case "unknown":
      return Verdict.Unknown({ since: at })
  }
}

const eventOf = (
  step: Step,
  world: World,
  vpcs: ReadonlyArray<Vpc>,
  past: ReadonlyArray<Action>,
  at: Millis,
): WorldEvent | undefined => {
  const pick = (choice: number): Action | undefined => {
    // Mostly what is wanted now; at times what was wanted some time ago and only now comes back.
    const wanted = pendingOf(world)
    const from = choice % 4 === 0 || wanted.length === 0 ? past : wanted
    return from[choice % Math.max(1, from.length)]
  }
  switch (step._tag) {
    case "Spec":
      return WorldEvent.SpecAccepted({ spec: step.spec, at })
    case "Read": {
      const vpc = vpcs[step.vpc]
      return vpc === undefined ? undefined : WorldEvent.VpcRead({ vpc, readAt: at - step.lag })
    }
    case "Verdicts":
      return WorldEvent.VerdictsReached({
        verdicts: step.verdicts.map(([host, _tag]) => ({ host, verdict: verdictOf(_tag, at) })),
      })
    case "Done": {
      const action = pick(step.choice)
      return action === undefined ? undefined : WorldEvent.WriteDone({ action, at })
    }
    case "Unanswered": {
      const action = pick(step.choice)
      return action === undefined ? undefined : WorldEvent.WriteUnanswered({ action, at })
    }
    case "Refused": {
      const action = pick(step.choice)
      const { code } = step
      const disposition = dispositionOf(code, code === "RequestTimeout" ? undefined : 400)
      return action === undefined
        ? undefined
        : WorldEvent.WriteFailed({ action, disposition, code, message: "as told", at })
    }
    case "Drain":
      return WorldEvent.HostDrained({ host: step.host })
    case "Undrain":
      return WorldEvent.HostUndrained({ host: step.host })
    case "Confirm":
      return WorldEvent.DeletionsConfirmed({ hash: step.right ? (world.brake?.hash ?? "") : "0123456789abcdef" })
    case "Anchors":
      return WorldEvent.AnchorsHeard({
        verdicts: step.verdicts.map(([anchor, word]) => ({
          source: "icmpecho",
          anchor,
          verdict: anchorVerdict(word, at),
        })),
      })
    case "Release": {
      const held = guardHoldsOf(world).filter(({ kind }) => kind !== "DeletionBrake")
      const hash = held[step.choice % Math.max(1, held.length)]?.hash
      return hash === undefined ? undefined : WorldEvent.HoldConfirmed({ hash, at })
    }
    case "Nothing":
      return undefined
  }
}

/** Lives a history through as the reconcile loop would, and shows every decision. */
export const live = (
  { policy, restored, vpcs, steps }: History,
  look: (decision: Decision, now: Millis, event: WorldEvent | undefined) => void,
): World => {
  let now: Millis = 1_000_000
  let world = empty(policy)
  if (restored !== undefined) [world] = apply(world, WorldEvent.Restored({ durable: restored, at: now }))
  const past: Array<Action> = []
  const dirty = new Set<Cidr>()
  const take = (event: WorldEvent): void => {
    const [next, changed] = apply(world, event)
    world = next
    for (const range of changed) dirty.add(range)
  }
  for (const [i, step] of steps.entries()) {
    now += step.after
    const event = eventOf(step, world, vpcs, past, now)
    if (event !== undefined) take(event)
    // What comes in together is decided together.
    if (steps[i + 1]?.after === 0) continue
    take(WorldEvent.TimeCame({ at: now }))
    const decision = decide(world, dirty, now)
    dirty.clear()
    world = decision.world
    past.push(...decision.write)
    look(decision, now, event)
  }
  return world
}
