import { Effect, Layer, Option } from "effect"
import type { Ip } from "../domain/Ip.ts"
import { ConfigSource } from "../services/config/ConfigSource.ts"
import { type SimulatedHost, Simulation } from "../services/ec2/Simulation.ts"
import { ControlPlane, type SimulatedHostJson, type SimulationControls } from "../services/http/ControlPlane.ts"
import { overviewToJson } from "./OverviewToJson.ts"
import { Metrics } from "./metrics/Metrics.ts"
import { Reconciler } from "./Reconciler.ts"
import type { DaemonState } from "./ReconcilerStatus.ts"
import { type About, heldDeletionsJson, routeSpecJson, statusToJson } from "./StatusToJson.ts"

const simulatedHostJson = (host: SimulatedHost): SimulatedHostJson => ({
  addresses: host.addresses,
  interface: host.interfaceId,
  instance: host.instanceId ?? null,
  state: host.state ?? null,
  zone: host.zone ?? null,
  source_dest_check: host.sourceDestCheck,
  requester_managed: host.requesterManaged,
  answers: host.answers,
})

const isDone = Effect.match({ onFailure: () => false, onSuccess: () => true })

const controls = (simulation: Simulation["Service"]): SimulationControls => ({
  hosts: Effect.map(simulation.hosts, (hosts) => hosts.map(simulatedHostJson)),
  fail: (host) => isDone(simulation.fail(host)),
  heal: (host) => isDone(simulation.heal(host)),
})

/** Whether the machine of an address answers; undefined: there is no such machine to fail and heal. */
const answering = (
  simulation: Option.Option<Simulation["Service"]>,
): Effect.Effect<(host: Ip) => boolean | undefined> =>
  Option.match(simulation, {
    onNone: () => Effect.succeed(() => undefined),
    onSome: ({ hosts }) =>
      Effect.map(hosts, (machines) => {
        const found = new Map(machines.flatMap(({ addresses, answers }) => addresses.map((one) => [one, answers])))
        return (host) => found.get(host)
      }),
  })

const whyUnready = ({ refresh: { last, failing } }: Pick<DaemonState, "refresh">): Option.Option<string> => {
  if (last !== undefined) return Option.none()
  const why =
    failing === undefined ? "" : `: ${failing.error.operation}: ${failing.error.code}: ${failing.error.message}`
  return Option.some(`EC2 has not been read yet${why}`)
}

/** The control plane of a running daemon. A simulated VPC is steered if {@link Simulation} is there. */
export const layer = (
  about: Omit<About, "mode" | "simulated">,
): Layer.Layer<ControlPlane, never, Reconciler | ConfigSource | Metrics> =>
  Layer.effect(
    ControlPlane,
    Effect.gen(function* () {
      const reconciler = yield* Reconciler
      const config = yield* ConfigSource
      const simulation = yield* Effect.serviceOption(Simulation)
      const described: About = { ...about, mode: config.name, simulated: Option.isSome(simulation) }
      return ControlPlane.of({
        version: about.version,
        mode: config.name,
        status: Effect.map(reconciler.status, (status) => statusToJson(status, described)),
        overview: Effect.zipWith(reconciler.overview, answering(simulation), (state, answers) =>
          overviewToJson(state, described, answers),
        ),
        changes: reconciler.changes,
        metrics: (yield* Metrics).text,
        routeSpec: Effect.map(reconciler.spec, routeSpecJson),
        post: config.post,
        decided: Effect.map(reconciler.decided, ({ brake, isDecided }) => ({
          decided: isDecided,
          held: heldDeletionsJson(brake),
        })),
        confirm: reconciler.confirm,
        drain: reconciler.drain,
        heartbeat: reconciler.heartbeat,
        unready: Effect.map(reconciler.facts, whyUnready),
        simulation: Option.map(simulation, controls),
      })
    }),
  )
