import { it } from "@effect/vitest"
import { Effect, Exit, Semaphore } from "effect"

/**
 * A test for each row of a table. All rows run side by side from the first test on, `atOnce` of them, since they mostly
 * wait; each test waits for its own.
 */
export const sideBySide = <Row extends { readonly name: string }>(
  rows: ReadonlyArray<Row>,
  atOnce: number,
  run: (row: Row) => Effect.Effect<void>,
): void => {
  let running: ReadonlyMap<Row, Promise<Exit.Exit<void>>> | undefined
  const start = (): NonNullable<typeof running> => {
    const turn = Semaphore.makeUnsafe(atOnce)
    return new Map(rows.map((row) => [row, Effect.runPromiseExit(turn.withPermit(run(row)))]))
  }
  for (const row of rows)
    it.live(row.name, () =>
      Effect.gen(function* () {
        const found = (running ??= start()).get(row)
        yield* yield* Effect.promise(() => found ?? Promise.resolve(Exit.void))
      }),
    )
}
