/**
 * The ports, for authors of plugins. A plugin is an ES module whose default export says what it provides: where route specs
 * come from (`--mode ./my-source.mjs`), what is known of hosts, or how they are probed (`--health @scope/package`).
 *
 * `effect` and `vpc-router/plugin` are those of the running vpc-router, whatever the plugin brought along.
 * `docs/plugins.md` has whole examples, and what a plugin may rely on.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Option, Schedule, Stream } from "effect"
 * import { ConfigSource, configPlugin, specNews } from "vpc-router/plugin"
 *
 * export default configPlugin({
 *   provides: "config",
 *   name: "by-weekday",
 *   description: "One spec for weekdays and one for weekends.",
 *   options: {
 *     weekdays: { kind: "text", required: true, metavar: "JSON", description: "The spec from Monday to Friday." },
 *     weekends: { kind: "text", default: "{}", metavar: "JSON", description: "The spec of the other two days." },
 *   },
 *   layer: ({ weekdays, weekends }) =>
 *     Layer.succeed(ConfigSource, {
 *       name: "by-weekday",
 *       post: Option.none(),
 *       news: Stream.fromEffectSchedule(
 *         Effect.sync(() => specNews([0, 6].includes(new Date().getDay()) ? weekends : weekdays)),
 *         Schedule.spaced("1 minute"),
 *       ),
 *     }),
 * })
 * ```
 *
 * @module
 */

import { Effect, Result } from "effect"
import { decodeRouteSpec } from "./domain/DecodeRouteSpec.ts"
import type { PluginDefinition, PluginOptions, PluginValues, ProbeTiming } from "./services/PluginDefinition.ts"
import { type ConfigSource, SpecNews } from "./services/config/ConfigSource.ts"
import type { HealthSource } from "./services/health/HealthSource.ts"
import type { Probe } from "./services/health/Probe.ts"

export type {
  PluginDefinition,
  PluginOption,
  PluginOptions,
  PluginServices,
  PluginValues,
  ProbeTiming,
} from "./services/PluginDefinition.ts"

export { ConfigSource, SpecNews, type SpecNotKept, type SpecRejected } from "./services/config/ConfigSource.ts"
export { HealthSource, SourceState } from "./services/health/HealthSource.ts"
export {
  Probe,
  type ProbeRequest,
  type ProbeSink,
  type ProbeTransport,
  ProbeUnavailable,
} from "./services/health/Probe.ts"
export { now } from "./services/Now.ts"

export { type DecodedSpec, encodeRouteSpec, hostsOf, type RouteSpec, type SpecProblem } from "./domain/RouteSpec.ts"
export { decodeRouteSpec } from "./domain/DecodeRouteSpec.ts"
export { type HostVerdict, type Millis, Verdict } from "./domain/Health.ts"
export { type Cidr, cidr, type ParsedCidr, parseCidr } from "./domain/Cidr.ts"
export { type Family, type Ip, ip, parseIp } from "./domain/Ip.ts"

/** Where route specs come from: a plugin for `--mode`. */
export type ConfigPlugin<O extends PluginOptions = PluginOptions> = PluginDefinition<"config", ConfigSource, O>

/** What is known of hosts: a plugin for `--health` that reaches its verdicts itself. */
export type HealthPlugin<O extends PluginOptions = PluginOptions> = PluginDefinition<"health", HealthSource, O>

/**
 * How hosts are asked for a sign of life: a plugin for `--health` that only sends and receives. When hosts are asked, and
 * what follows from an answer or from silence, is vpc-router's (`--fall`, `--rise`, `docs/health.md`).
 */
export interface ProbePlugin<O extends PluginOptions = PluginOptions> extends PluginDefinition<"probe", Probe, O> {
  /** Without it hosts are asked every second, and an answer may take 150 ms (less with a `--fall` above 3). */
  readonly timing?: (values: PluginValues<O>) => ProbeTiming
}

/** Gives the definition as it is, with its types checked. */
export const configPlugin = <const O extends PluginOptions = {}>(definition: ConfigPlugin<O>): ConfigPlugin<O> =>
  definition

/** Gives the definition as it is, with its types checked. */
export const healthPlugin = <const O extends PluginOptions = {}>(definition: HealthPlugin<O>): HealthPlugin<O> =>
  definition

/** Gives the definition as it is, with its types checked. */
export const probePlugin = <const O extends PluginOptions = {}>(definition: ProbePlugin<O>): ProbePlugin<O> =>
  definition

/** A route spec as JSON text, read into news: accepted, or rejected with every fault. */
export const specNews = (text: string): SpecNews =>
  Result.match(decodeRouteSpec(text), {
    onSuccess: (decoded) => SpecNews.Accepted({ ...decoded, onApplied: Effect.void }),
    onFailure: (problems) => SpecNews.Rejected({ problems }),
  })
