import type { Size } from "./Scene.ts"
import { type Play, type Result, simulate } from "./Simulate.ts"

/** A failing play made smaller, and how it failed last. */
export interface Shrunk {
  readonly play: Play
  readonly result: Result
  readonly runs: number
}

/** Runs that are spent on making a failure smaller. */
const mostRuns = 150

/**
 * Makes a failing play smaller while it breaks the same promise: fewer faults (halves, quarters, … single ones), then fewer
 * hosts, tables and CIDRs. It ends where it fails in any case.
 */
export const shrink = (
  seed: number,
  play: Play,
  failed: Result,
  tell: (words: string) => void = () => undefined,
): Shrunk => {
  const promise = failed.failure?.promise
  let best: { readonly play: Play; readonly result: Result } = { play, result: failed }
  let runs = 0
  const tries = (candidate: Play): boolean => {
    if (runs >= mostRuns) return false
    runs++
    const result = simulate(seed, { ...candidate, trace: undefined })
    if (result.failure?.promise !== promise) return false
    best = { play: candidate, result }
    return true
  }
  let faults: ReadonlyArray<string> = failed.happened
  tries({ ...play, only: new Set(faults) })
  const without = (chunk: number): void => {
    for (let at = 0; at < faults.length;) {
      const fewer = [...faults.slice(0, at), ...faults.slice(at + chunk)]
      if (tries({ ...best.play, only: new Set(fewer) })) {
        faults = fewer
        tell(`${faults.length} faults`)
      } else at += chunk
    }
  }
  for (let chunk = faults.length; chunk > 1;) without((chunk = Math.ceil(chunk / 2)))
  const { size } = best.result
  const smaller: ReadonlyArray<keyof Size> = ["cidrs", "tables", "hosts"]
  let current = size
  for (const key of smaller)
    while (current[key] > 1 && tries({ ...best.play, size: { ...current, [key]: current[key] - 1 } }))
      current = { ...current, [key]: current[key] - 1 }
  return { ...best, runs }
}
