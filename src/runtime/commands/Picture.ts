import { Effect, Schedule } from "effect"
import type { Health } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import type { Vpc } from "../../domain/Vpc.ts"
import { Ec2, type Ec2Error } from "../../services/ec2/Ec2.ts"
import { HealthSource, standingsOf } from "../../services/health/HealthSource.ts"
import type { Options } from "../Options.ts"
import { type StartFault, startFault } from "../StartFault.ts"
import { count } from "./Lines.ts"
import { type AnchorAnswers, awaitVerdicts, verdictPatience } from "./Verdicts.ts"

const isPassing = ({ disposition }: Ec2Error): boolean => disposition === "throttled" || disposition === "transient"

/** One whole reading of the VPC; what passes by itself is tried three times. */
export const readVpc: Effect.Effect<Vpc, Ec2Error, Ec2> = Effect.flatMap(Ec2, ({ snapshot }) =>
  Effect.retry(snapshot, { schedule: Schedule.exponential("500 millis"), times: 2, while: isPassing }),
)

/** A call of EC2 that failed, in words. */
export const ec2Words = ({ code, disposition, message, operation }: Ec2Error): string =>
  `${operation}: ${disposition === "denied" ? "denied: " : ""}${code}: ${message}`

export const ec2Fault = (error: Ec2Error): StartFault => startFault("EC2", ec2Words(error))

/** Says on a terminal what is waited for, as long as it is. */
export const meanwhile = <A, E, R>(words: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  process.stderr.isTTY
    ? Effect.acquireUseRelease(
        Effect.sync(() => process.stderr.write(`${words} …`)),
        () => work,
        () => Effect.sync(() => process.stderr.write("\r\u001B[K")),
      )
    : work

/** The verdicts on the hosts of a spec, and what could not be asked. */
export interface HealthPicture {
  readonly health: Health
  /** Checks that are down, with the reason. */
  readonly broken: ReadonlyArray<{ readonly name: string; readonly why: string }>
  /** Which checks each anchor answered. */
  readonly anchors: ReadonlyMap<Ip, ReadonlySet<string>>
}

/** Watches the hosts of a spec, and anchors, for a while. Where no check probes, anchors are not asked. */
export const readHealth = Effect.fnUntraced(function* (
  hosts: ReadonlySet<Ip>,
  checks: Options["health"],
  anchors: ReadonlyArray<Ip> = [],
): Effect.fn.Return<HealthPicture, never, HealthSource> {
  const patience = verdictPatience(checks)
  const words = `watching ${count(hosts.size, "host")}, ${Math.ceil(patience / 1_000)} s at most`
  const asked = new Set(checks.some((check) => "detector" in check) ? anchors : [])
  const answers: AnchorAnswers = new Map()
  const health = yield* meanwhile(words, Effect.scoped(awaitVerdicts(hosts, patience, asked, answers)))
  if (hosts.size + asked.size === 0) return { health, broken: [], anchors: answers }
  const standings = yield* Effect.flatMap(HealthSource, standingsOf)
  const broken = standings.flatMap(({ name, state }) => (state._tag === "Down" ? [{ name, why: state.why }] : []))
  return { health, broken, anchors: answers }
})
