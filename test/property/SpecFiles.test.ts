import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { encodeRouteSpec } from "../../src/domain/RouteSpec.ts"
import { runs } from "../support/domain/Runs.ts"
import { mutantOf } from "../support/fuzz/Mutants.ts"
import { askedBy } from "../support/fuzz/ReferenceSpec.ts"
import { specFile } from "../support/fuzz/SpecFiles.ts"
import { type Aftermath, replaced } from "../support/fuzz/WatchedFile.ts"

type Outcome = "refused" | "as before" | "changed" | "deletes"

/** Holds the promise for one file in place of another, and says what became of it. */
const judge = (next: Uint8Array, { braked, isTaken, isUntouched, spec, trouble, writes }: Aftermath): Outcome => {
  const asked = askedBy(next)
  const deletions = [...writes, ...braked].filter(({ _tag }) => _tag === "DeleteRoute")
  if (trouble !== undefined) {
    assert.isTrue(isUntouched, "a file that was refused changed something")
    assert.deepStrictEqual(writes, [])
    assert(trouble._tag === "Rejected")
    assert.isAbove(trouble.problems.length, 0)
    for (const { path, message } of trouble.problems) assert.match(`${path}: ${message}`, /^\$[\x20-\x7e]{3,2500}$/)
    return "refused"
  }
  assert(asked !== undefined, "a file was taken that asks for nothing certain")
  assert(spec !== undefined)
  const inForce = Object.entries(encodeRouteSpec(spec)).map(([cidr, hosts]) => [cidr, hosts] as const)
  assert.deepStrictEqual(
    inForce,
    [...asked].map(([cidr, hosts]) => [cidr, [...hosts].toSorted()] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
  for (const { cidr } of deletions)
    assert.strictEqual(asked.get(cidr)?.size ?? 0, 0, `${cidr} is deleted, and the file wants it`)
  if (asked.size === 0) assert.deepStrictEqual(writes, [], "an empty file deletes nothing by itself")
  if (deletions.length > 0) return "deletes"
  return isTaken && writes.length > 0 ? "changed" : "as before"
}

const shown = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString("latin1"))

const checked = (good: Uint8Array, next: Uint8Array): Outcome => {
  try {
    return judge(next, replaced(good, next))
  } catch (error) {
    throw new Error(`${shown(good)}\nthen ${shown(next)}`, { cause: error })
  }
}

describe("a spec file that is written over", () => {
  it("by any beginning of itself: nothing changes, unless nothing but white space is missing", () => {
    fc.assert(
      fc.property(specFile, (file) => {
        const whole = Buffer.from(file).toString("utf8").trimEnd().length
        const length = Buffer.from(Buffer.from(file).toString("utf8").slice(0, whole)).length
        for (let end = 0; end < file.length; end++) {
          const outcome = checked(file, file.subarray(0, end))
          assert.strictEqual(
            outcome,
            end < length ? "refused" : "as before",
            `the first ${end} bytes of ${shown(file)}`,
          )
        }
      }),
      { ...runs(1), numRuns: 3 },
    )
  })

  it("by any mutant: no route is deleted that it did not validly ask to delete, and what is refused names the place", () => {
    const outcomes = new Map<Outcome, number>()
    fc.assert(
      fc.property(specFile, mutantOf(specFile), (other, mutant) => {
        const outcome = checked(other, mutant)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }),
      runs(500),
    )
    // All of them happen, so that none of it is tried in vain.
    for (const outcome of ["refused", "as before", "changed", "deletes"] as const)
      assert.isAbove(outcomes.get(outcome) ?? 0, 3, JSON.stringify([...outcomes]))
  })
})
