import { Effect, type Scope } from "effect"
import type { AlarmMessage } from "../../../domain/AlarmEvent.ts"
import { readCounter, readGauge } from "../../ReadMetric.ts"
import type { AlarmFailure } from "./AlarmFailure.ts"

/** What became of a poll. */
export type PollResult = "done" | AlarmFailure["kind"]

const results = [
  "done",
  "denied",
  "throttled",
  "refused",
  "unreachable",
  "internal",
] as const satisfies ReadonlyArray<PollResult>

/** A counter with one series for each key, and the function that counts. */
const counting = Effect.fnUntraced(function* <Key extends string>(
  name: string,
  description: string,
  label: string,
  keys: ReadonlyArray<readonly [key: Key, shown: string]>,
): Effect.fn.Return<(key: Key) => void, never, Scope.Scope> {
  const counts = new Map<Key, number>()
  yield* Effect.forEach(keys, ([key, shown]) =>
    readCounter({ name: `vpc_router_${name}`, description, labels: { [label]: shown } }, () => counts.get(key) ?? 0),
  )
  return (key) => void counts.set(key, (counts.get(key) ?? 0) + 1)
})

/** Counts polls of alarms, and shows how many alarms may count. */
export const exposePolls = Effect.fnUntraced(function* (
  alarms: () => number,
): Effect.fn.Return<(result: PollResult) => void, never, Scope.Scope> {
  yield* readGauge(
    { name: "vpc_router_alarms", description: "CloudWatch alarms that may count for a host, by the last whole poll." },
    alarms,
  )
  const shown = results.map((result) => [result, result] as const)
  return yield* counting("alarm_polls_total", "Polls of CloudWatch alarms, by what became of them.", "result", shown)
})

/** Counts what came by the queue. */
export const exposeMessages: Effect.Effect<(kind: AlarmMessage["_tag"]) => void, never, Scope.Scope> = Effect.suspend(
  () =>
    counting("alarm_messages_total", "Messages from the alarm queue, by what they were.", "kind", [
      ["Changed", "change"],
      ["Other", "other"],
      ["Malformed", "malformed"],
    ]),
)
