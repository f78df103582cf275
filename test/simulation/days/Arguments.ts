import { parseArgs } from "node:util"
import { Result } from "effect"
import { minute } from "./Faults.ts"
import { mostOfSize, type Size } from "./Scene.ts"
import { longPlay, type Play, shortPlay } from "./Simulate.ts"

export const usage = `npm run simulate -- [options]

  --seed N        play this seed (from 0); the same seed gives the same trace
  --seeds N       play so many seeds, from --seed on (default 1)
  --days D        simulated days of each (default 1)
  --short         20 minutes of many faults each, instead of days
  --trace         print everything that happens
  --hosts N, --tables N, --cidrs N
                  how large the VPC is, instead of what the seed draws
  --first         stop at the first seed that fails, and leave it as it is
  --no-shrink     do not make a failure smaller
`

export interface Arguments {
  readonly seed: number
  readonly seeds: number
  readonly isTraced: boolean
  readonly shrinks: boolean
  readonly stopsAtFirst: boolean
  readonly play: Play
}

type Texts = Readonly<Record<string, string | undefined>>

const wholeOf = (
  texts: Texts,
  name: string,
  [least, most]: readonly [number, number],
  otherwise: number,
): Result.Result<number, string> => {
  const text = texts[name]
  if (text === undefined) return Result.succeed(otherwise)
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most
    ? Result.succeed(value)
    : Result.fail(`--${name}: expected a whole number from ${least} to ${most}, got "${text}"`)
}

const daysOf = (text: string | undefined): Result.Result<number | undefined, string> => {
  if (text === undefined) return Result.succeed(undefined)
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  return value > 0 && value <= 10_000
    ? Result.succeed(value)
    : Result.fail(`--days: expected a number of days above 0, up to 10000, got "${text}"`)
}

const sizeOf = (texts: Texts): Result.Result<Size | undefined, string> =>
  Result.gen(function* () {
    const size = {
      hosts: yield* wholeOf(texts, "hosts", [1, mostOfSize.hosts], 12),
      tables: yield* wholeOf(texts, "tables", [1, mostOfSize.tables], 4),
      cidrs: yield* wholeOf(texts, "cidrs", [1, mostOfSize.cidrs], 9),
    }
    return ["hosts", "tables", "cidrs"].some((name) => texts[name] !== undefined) ? size : undefined
  })

/** `--seed -1` is a value that is wrong; `parseArgs` takes it for another option. */
const joined = (given: ReadonlyArray<string>): Array<string> =>
  given.flatMap((one, at) => {
    if (/^-\d/.test(one) && given[at - 1]?.startsWith("--") === true) return []
    const next = given[at + 1]
    return one.startsWith("--") && next !== undefined && /^-\d/.test(next) ? [`${one}=${next}`] : [one]
  })

const parsed = (given: ReadonlyArray<string>) => {
  const { tokens, values } = parseArgs({
    args: joined(given),
    allowNegative: true,
    tokens: true,
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      days: { type: "string" },
      hosts: { type: "string" },
      tables: { type: "string" },
      cidrs: { type: "string" },
      short: { type: "boolean" },
      trace: { type: "boolean" },
      shrink: { type: "boolean" },
      first: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  })
  const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`--${twice}: expected once`)
  return values
}

/** Reads the command line; undefined: only help was asked for. What is wrong with it is said in a sentence. */
export const readArguments = (given: ReadonlyArray<string>): Result.Result<Arguments | undefined, string> =>
  Result.gen(function* () {
    const { first, help, short, shrink, trace, ...texts } = yield* Result.try({
      try: () => parsed(given),
      catch: (thrown) => (thrown instanceof Error ? thrown.message : String(thrown)),
    })
    if (help === true) return undefined
    const seed = yield* wholeOf(texts, "seed", [0, 2 ** 32 - 1], 0)
    const seeds = yield* wholeOf(texts, "seeds", [1, 1e9], 1)
    const days = yield* daysOf(texts.days)
    const size = yield* sizeOf(texts)
    const play = short === true ? shortPlay : longPlay
    return {
      seed,
      seeds,
      isTraced: trace === true,
      stopsAtFirst: first === true,
      shrinks: shrink !== false,
      play: {
        ...play,
        days: days ?? play.days,
        round: Math.min(play.round, Math.max(5 * minute, (days ?? 1) * 1440 * minute)),
        ...(size === undefined ? {} : { size }),
      },
    }
  })
