import { writeSync } from "node:fs"
import { setImmediate } from "node:timers/promises"
import { Result } from "effect"
import { readArguments, usage } from "./Arguments.ts"
import { faults } from "./Faults.ts"
import { shrink } from "./Shrink.ts"
import { simulate } from "./Simulate.ts"
import { Summary } from "./Summary.ts"
import { Trace } from "./Trace.ts"

// Printing must not depend on the event loop: in virtual time there is none.
const say = (line: string): void => void writeSync(1, `${line}\n`)

/** A seed of so many days is over in some seconds. */
const fewDays = 1

/** Ctrl-C, or the wish of the system, heard once; the second time ends the process as usual. */
class Interruption {
  came = false
  readonly #note = (): void => {
    this.came = true
    this.ignore()
  }

  listen(): void {
    process.on("SIGINT", this.#note).on("SIGTERM", this.#note)
  }

  ignore(): void {
    process.off("SIGINT", this.#note).off("SIGTERM", this.#note)
  }
}

const asked = readArguments(process.argv.slice(2))
if (Result.isFailure(asked)) {
  process.stderr.write(`${asked.failure}\n\n${usage}`)
  process.exitCode = 2
} else if (asked.success === undefined) {
  say(usage)
} else {
  const { isTraced, play, seed: first, seeds, shrinks, stopsAtFirst } = asked.success
  const summary = new Summary(faults.map(({ name }) => name))
  const progress = process.stderr.isTTY === true && !isTraced
  // Whoever stops many seeds sees what they covered. Within a seed no signal is heard: one that lasts is ended at once.
  const interruption = new Interruption()
  if (seeds > 1 && play.days <= fewDays) interruption.listen()
  for (let seed = first; seed < first + seeds; seed++) {
    const result = simulate(seed, { ...play, trace: new Trace({ print: isTraced ? say : undefined }) })
    summary.add(result)
    if (progress) process.stderr.write(`\r${summary.bar(seeds)}`)
    else if (seeds > 20 && (seed - first + 1) % Math.ceil(seeds / 20) === 0) say(summary.bar(seeds))
    if (seeds === 1) say(`seed ${seed}: trace ${result.hash}`)
    await setImmediate()
    if (interruption.came) break
    if (result.failure === undefined) continue
    const { promise, words } = result.failure
    say(`\nseed ${seed} breaks a promise: ${promise}\n  ${words}`)
    process.exitCode = 1
    if (stopsAtFirst) break
    if (!shrinks) continue
    interruption.ignore()
    say("making it smaller …")
    const { play: smaller, result: small, runs } = shrink(seed, play, result)
    const { cidrs, hosts, tables } = small.size
    say(`after ${runs} runs: ${smaller.only?.size ?? "all"} faults, ${hosts} hosts, ${tables} tables, ${cidrs} CIDRs`)
    for (const line of small.trace.last) say(`  ${line}`)
  }
  if (progress) process.stderr.write("\n")
  if (interruption.came) process.exitCode = 130
  say(summary.words())
}
