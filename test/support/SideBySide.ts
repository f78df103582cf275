import { it } from "@effect/vitest"
import { Effect, Exit, Semaphore } from "effect"

interface Named {
  readonly name: string
}

/** What is not started yet. */
let waiting: Array<() => void> = []

/**
 * A test for each row of a table. All rows of a file run side by side from its first test on, of each table `atOnce`, since
 * they mostly wait; each test waits for its own.
 */
export const sideBySide = <Row extends Named>(
  rows: ReadonlyArray<Row>,
  atOnce: number,
  run: (row: Row) => Effect.Effect<void>,
): void => {
  const running = new Map<Row, Promise<Exit.Exit<void>>>()
  waiting.push(() => {
    const turn = Semaphore.makeUnsafe(atOnce)
    for (const row of rows) running.set(row, Effect.runPromiseExit(turn.withPermit(run(row))))
  })
  for (const row of rows)
    it.live(row.name, () =>
      Effect.gen(function* () {
        for (const start of waiting) start()
        waiting = []
        yield* yield* Effect.promise(() => running.get(row) ?? Promise.resolve(Exit.void))
      }),
    )
}
