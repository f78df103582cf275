import { Effect, Layer } from "effect"
import { Ec2 } from "./Ec2.ts"
import { createRoute, deleteRoute, replaceRoute } from "./SimulatedRoutes.ts"
import { interfacesOf, tablesOf } from "./SimulatedVpc.ts"
import { Simulation } from "./Simulation.ts"
import type { Topology } from "./Topology.ts"

const make = Effect.gen(function* () {
  const simulation = yield* Simulation
  return Ec2.of({
    // Four reads, each with its own token, latency and staleness, as with EC2: nothing makes them one moment.
    snapshot: Effect.all(
      {
        vpc: simulation.read("DescribeVpcs"),
        tables: Effect.map(simulation.read("DescribeRouteTables"), tablesOf),
        interfaces: Effect.map(simulation.read("DescribeNetworkInterfaces"), interfacesOf),
        instances: Effect.map(simulation.read("DescribeInstances"), (vpc) => vpc.instances),
      },
      { concurrency: "unbounded" },
    ).pipe(
      Effect.map(({ vpc, ...parts }) => ({ id: vpc.id, ownerId: vpc.ownerId, cidrs: vpc.cidrs, ...parts })),
      Effect.withSpan("Ec2.snapshot"),
    ),
    createRoute: (cell, interfaceId) =>
      simulation.write("CreateRoute", cell, (vpc) => createRoute(vpc, cell, interfaceId)),
    replaceRoute: (cell, interfaceId) =>
      simulation.write("ReplaceRoute", cell, (vpc) => replaceRoute(vpc, cell, interfaceId)),
    deleteRoute: (cell) => simulation.write("DeleteRoute", cell, (vpc) => deleteRoute(vpc, cell)),
  })
})

/** The `Ec2` port on a {@link Simulation}. */
export const layerNoDeps: Layer.Layer<Ec2, never, Simulation> = Layer.effect(Ec2, make)

/** The `Ec2` port on a simulated VPC, and the controls over that VPC. */
export const layer = (topology: Topology): Layer.Layer<Ec2 | Simulation> =>
  layerNoDeps.pipe(Layer.provideMerge(Simulation.layer(topology)))
