import type { Cidr } from "./Cidr.ts"
import type { DeleteRoute } from "./DeletionBrake.ts"
import type { Ip } from "./Ip.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import type { World } from "./World.ts"

/** What the operator said and a restart must not forget. */
export interface Durable {
  readonly spec: RouteSpec
  /** CIDRs that an accepted spec named at some time, while they stand in the spec or in a table. */
  readonly named: ReadonlySet<Cidr>
  readonly drained: ReadonlySet<Ip>
  /** Deletions that the operator let happen. */
  readonly confirmed: ReadonlyArray<DeleteRoute>
}

/** What is to be kept of a world; undefined before any spec. */
export const durableOf = ({ spec, named, drained, confirmed }: World): Durable | undefined =>
  spec === undefined ? undefined : { spec, named, drained, confirmed: [...confirmed.values()] }
