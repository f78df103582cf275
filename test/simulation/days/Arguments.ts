import { parseArgs } from "node:util"
import { minute } from "./Faults.ts"
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

const numberOf = (name: string, text: string | undefined, otherwise: number): number => {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name}: expected a number, got ${text}`)
  return value
}

/** Reads the command line; undefined: only help was asked for. */
export const readArguments = (given: ReadonlyArray<string>): Arguments | undefined => {
  const { values } = parseArgs({
    args: [...given],
    allowNegative: true,
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
      help: { type: "boolean" },
    },
  })
  if (values.help === true) return undefined
  const play = values.short === true ? shortPlay : longPlay
  const { cidrs, hosts, tables } = values
  const isSized = hosts !== undefined || tables !== undefined || cidrs !== undefined
  return {
    seed: numberOf("seed", values.seed, 0),
    seeds: numberOf("seeds", values.seeds, 1),
    isTraced: values.trace === true,
    stopsAtFirst: values.first === true,
    shrinks: values.shrink !== false,
    play: {
      ...play,
      days: numberOf("days", values.days, play.days),
      round: Math.min(play.round, Math.max(5 * minute, numberOf("days", values.days, 1) * 1440 * minute)),
      ...(isSized
        ? {
            size: {
              hosts: numberOf("hosts", hosts, 12),
              tables: numberOf("tables", tables, 4),
              cidrs: numberOf("cidrs", cidrs, 9),
            },
          }
        : {}),
    },
  }
}
