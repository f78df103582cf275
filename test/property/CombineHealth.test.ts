import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { combineHealth, type Opinion } from "../../src/domain/CombineHealth.ts"
import { HealthPolicy, healthPolicyWords } from "../../src/domain/HealthPolicy.ts"
import { Verdict } from "../../src/domain/Health.ts"
import { verdictNames } from "../../src/runtime/StatusToJson.ts"

const since = fc.integer({ min: 0, max: 1000 })
const anyVerdict: fc.Arbitrary<Verdict> = fc.oneof(
  since.map((since) => Verdict.Unknown({ since })),
  since.map((since) => Verdict.Healthy({ since })),
  since.map((since) => Verdict.Failed({ since, reason: `since ${since}` })),
  since.map((since) => Verdict.Failed({ since, reason: `since ${since}`, silentSince: since - 100 })),
  since.map((since) => Verdict.Unwatched({ since, why: `not since ${since}` })),
)

const anyOpinions: fc.Arbitrary<ReadonlyArray<Opinion>> = fc
  .array(fc.record({ isUp: fc.boolean(), verdict: anyVerdict }), { maxLength: 6 })
  .map((opinions) => opinions.map((opinion, index) => ({ source: `source${index}`, ...opinion })))

const anyPolicy: fc.Arbitrary<HealthPolicy> = fc.oneof(
  fc.constant(HealthPolicy.AnyFails()),
  fc.constant(HealthPolicy.AllFail()),
  fc.integer({ min: 1, max: 5 }).map((count) => HealthPolicy.Quorum({ count })),
)

const quorum = (count: number) => HealthPolicy.Quorum({ count })
const combine = (policy: HealthPolicy, opinions: ReadonlyArray<Opinion>) => combineHealth(policy, opinions, 7)
const saying = (opinions: ReadonlyArray<Opinion>, tag: Verdict["_tag"]) =>
  opinions.filter(({ isUp, verdict }) => isUp && verdict._tag === tag)

// What the document says. Its tables leave the order of the sources open, so that each row stands for every order.

const states = ["failed", "healthy", "unknown", "unwatched", "down"] as const
type State = (typeof states)[number]

const opinionOf = (state: string, source: string): Opinion => {
  const said: Readonly<Record<string, Verdict>> = {
    failed: Verdict.Failed({ since: 1, reason: "silent" }),
    healthy: Verdict.Healthy({ since: 1 }),
    unknown: Verdict.Unknown({ since: 1 }),
    unwatched: Verdict.Unwatched({ since: 1, why: "no alarm" }),
    // What it says does not count.
    down: Verdict.Failed({ since: 1, reason: "what it last said" }),
  }
  const verdict = said[state]
  assert(verdict !== undefined, `no state of a source: ${state}`)
  return { source, isUp: state !== "down", verdict }
}

const policies = [HealthPolicy.AnyFails(), HealthPolicy.AllFail(), quorum(2), quorum(3)]
const policyOf = (words: string): HealthPolicy => {
  const found = policies.find((policy) => healthPolicyWords(policy) === words)
  assert(found !== undefined, `no policy: ${words}`)
  return found
}

const document = readFileSync(join(import.meta.dirname, "../../docs/health.md"), "utf8")
const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.replaceAll("*", "").trim()) // prettier-ignore

/** The tables of the document whose columns are so many sources, and then policies. */
const tableOf = (sources: number) => {
  const lines = document.split("\n")
  const titles = ["one", "another", "a third"].slice(0, sources)
  const start = lines.findIndex((line) => {
    const [head, next] = [cells(line).slice(0, sources), cells(line)[sources]]
    return titles.every((title, n) => head[n] === title) && policies.map(healthPolicyWords).includes(next ?? "")
  })
  assert.isAtLeast(start, 0, `docs/health.md has no table for ${sources} sources`)
  const end = lines.findIndex((line, n) => n > start && !line.startsWith("|"))
  return {
    policies: cells(lines[start] ?? "").slice(sources),
    rows: lines
      .slice(start + 2, end)
      .map((line) => ({ states: cells(line).slice(0, sources), verdicts: cells(line).slice(sources) })),
  }
}

const orders = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length < 2 ? [items] : items.flatMap((item, n) => orders(items.toSpliced(n, 1)).map((rest) => [item, ...rest]))

const selections = (count: number): ReadonlyArray<ReadonlyArray<State>> =>
  count === 0 ? [[]] : states.flatMap((state) => selections(count - 1).map((rest) => [state, ...rest]))

const inAnyOrder = (given: ReadonlyArray<string>) => given.toSorted().join(" ")

describe("the tables of docs/health.md", () => {
  it.each([2, 3])("hold every combination of %i sources once, and the verdict of each by every policy", (sources) => {
    const { policies: titles, rows } = tableOf(sources)
    assert.isAtLeast(titles.length, 3)
    const wanted = new Set(selections(sources).map(inAnyOrder))
    assert.deepStrictEqual(rows.map(({ states }) => inAnyOrder(states)).toSorted(), [...wanted].toSorted())
    for (const row of rows)
      for (const order of orders(row.states))
        for (const [column, title] of titles.entries()) {
          const opinions = order.map((state, n) => opinionOf(state, `source${n}`))
          const verdict = verdictNames[combine(policyOf(title), opinions)._tag]
          assert.strictEqual(verdict, row.verdicts[column], `${title}: ${order.join(", ")}`)
        }
  })
})

describe("several sources", () => {
  it("say the same in whatever order they are", () => {
    const shuffled = anyOpinions.chain((opinions) =>
      fc.tuple(fc.constant(opinions), fc.shuffledSubarray([...opinions], { minLength: opinions.length })),
    )
    fc.assert(
      fc.property(anyPolicy, shuffled, (policy, [opinions, others]) => {
        assert.deepStrictEqual(combine(policy, others), combine(policy, opinions))
      }),
    )
  })

  it("say the same whatever one says that is down, and without it", () => {
    fc.assert(
      fc.property(anyPolicy, anyOpinions, anyVerdict, (policy, opinions, verdict) => {
        const muted = opinions.map((opinion) => (opinion.isUp ? opinion : { ...opinion, verdict }))
        assert.deepStrictEqual(combine(policy, muted), combine(policy, opinions))
        const up = opinions.filter(({ isUp }) => isUp)
        assert.deepStrictEqual(combine(policy, up), combine(policy, opinions))
      }),
    )
  })

  it("fail a host by quorum:1 exactly as by any-fails", () => {
    fc.assert(
      fc.property(anyOpinions, (opinions) => {
        assert.deepStrictEqual(combine(quorum(1), opinions), combine(HealthPolicy.AnyFails(), opinions))
      }),
    )
  })

  it("fail a host by a quorum of all exactly as by all-fail, while all are up and watch it", () => {
    const all = anyOpinions
      .map((opinions) => opinions.map((opinion) => ({ ...opinion, isUp: true })))
      .filter((opinions) => opinions.length > 0 && saying(opinions, "Unwatched").length === 0)
    fc.assert(
      fc.property(all, (opinions) => {
        assert.deepStrictEqual(combine(quorum(opinions.length), opinions), combine(HealthPolicy.AllFail(), opinions))
      }),
    )
  })

  it("never call a host failed that none fails, or healthy that none finds healthy", () => {
    fc.assert(
      fc.property(anyPolicy, anyOpinions, (policy, opinions) => {
        const { _tag } = combine(policy, opinions)
        assert.isTrue(_tag === "Unknown" || saying(opinions, _tag).length > 0)
      }),
    )
  })

  it("come to the same verdict whatever an unknown one will say, or to none", () => {
    fc.assert(
      fc.property(anyPolicy, anyOpinions, fc.array(fc.boolean()), (policy, opinions, told) => {
        const before = combine(policy, opinions)._tag
        if (before !== "Failed" && before !== "Healthy") return
        const after = opinions.map((opinion, n) =>
          opinion.verdict._tag !== "Unknown"
            ? opinion
            : {
                ...opinion,
                verdict: told[n] === true ? Verdict.Healthy({ since: 1 }) : Verdict.Failed({ since: 1, reason: "no" }),
              },
        )
        assert.strictEqual(combine(policy, after)._tag, before)
      }),
    )
  })

  it("tell why, and since when, of each that fails a host", () => {
    fc.assert(
      fc.property(anyPolicy, anyOpinions, (policy, opinions) => {
        const combined = combine(policy, opinions)
        if (combined._tag !== "Failed") return
        const failing = saying(opinions, "Failed")
        for (const { source, verdict } of failing) assert.include(combined.reason, `${source}: since ${verdict.since}`)
        const times = failing.map(({ verdict }) => verdict.since).toSorted((a, b) => a - b)
        const heard = opinions.filter(({ isUp, verdict }) => isUp && verdict._tag !== "Unwatched").length
        const needed = policy._tag === "AnyFails" ? 1 : policy._tag === "AllFail" ? heard : policy.count
        assert.strictEqual(combined.since, times[needed - 1])
        const silences = failing.flatMap(({ verdict }) => ("silentSince" in verdict ? [verdict.silentSince ?? 0] : []))
        assert.strictEqual(combined.silentSince, silences.length === 0 ? undefined : Math.min(...silences))
      }),
    )
  })

  it("call a host healthy by any-fails only if every one that has a say does, since the last of them", () => {
    fc.assert(
      fc.property(anyOpinions, (opinions) => {
        const heard = opinions.filter(({ isUp, verdict }) => isUp && verdict._tag !== "Unwatched")
        const expected = heard.length > 0 && heard.every(({ verdict }) => verdict._tag === "Healthy")
        const combined = combine(HealthPolicy.AnyFails(), opinions)
        assert.strictEqual(combined._tag === "Healthy", expected)
        if (combined._tag === "Healthy")
          assert.strictEqual(combined.since, Math.max(...heard.map(({ verdict }) => verdict.since)))
        if (combined._tag === "Unknown") assert.strictEqual(combined.since, 7)
      }),
    )
  })

  it("call a host unwatched exactly if none that is up watches it, with every reason", () => {
    fc.assert(
      fc.property(anyPolicy, anyOpinions, (policy, opinions) => {
        const up = opinions.filter(({ isUp }) => isUp)
        const unwatched = saying(opinions, "Unwatched")
        const combined = combine(policy, opinions)
        assert.strictEqual(combined._tag === "Unwatched", up.length > 0 && unwatched.length === up.length)
        if (combined._tag === "Unwatched")
          for (const { source, verdict } of unwatched)
            assert.include(combined.why, `${source}: not since ${verdict.since}`)
      }),
    )
  })
})
