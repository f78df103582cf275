import type { Millis } from "../../../src/domain/Health.ts"
import { worldStatus } from "../../../src/domain/Status.ts"
import type { World } from "../../../src/domain/World.ts"

/** The status of the world with everything made that is made only when it is asked for. */
export const fullStatus = (world: World, now: Millis) => {
  const status = worldStatus(world, now)
  return {
    ...status,
    tables: status.tables.map((table) => ({ ...table, cells: [...table.cells] })),
    carried: [...status.carried],
    hosts: [...status.hosts],
  }
}
