import { day } from "./Faults.ts"
import type { Result } from "./Simulate.ts"

/** Adds up what many seeds covered. */
export class Summary {
  readonly #faults: ReadonlyArray<string>
  readonly #begun = process.cpuUsage()
  readonly #coverage = new Map<string, number>()
  readonly #failed: Array<number> = []
  #seeds = 0
  #simulated = 0
  #steps = 0
  #writes = 0
  #settledIn = 0

  /** `faults`: all there are, so that those which never happened are shown, too. */
  constructor(faults: ReadonlyArray<string>) {
    this.#faults = faults
  }

  add(result: Result): void {
    this.#seeds++
    this.#simulated += result.simulated
    this.#steps += result.steps
    this.#writes += result.writes
    this.#settledIn = Math.max(this.#settledIn, result.settledIn)
    if (result.failure !== undefined) this.#failed.push(result.seed)
    for (const [what, times] of result.coverage) this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + times)
  }

  /** How often something happened. */
  times(what: string): number {
    return this.#coverage.get(what) ?? 0
  }

  /** Faults that never happened. */
  get missed(): ReadonlyArray<string> {
    return this.#faults.filter((name) => this.times(`fault: ${name}`) === 0)
  }

  bar(of: number): string {
    const done = Math.round((this.#seeds / of) * 30)
    return `[${"#".repeat(done)}${".".repeat(30 - done)}] ${this.#seeds} of ${of} seeds, ${this.#failed.length} failed`
  }

  words(): string {
    const { system, user } = process.cpuUsage(this.#begun)
    const minutes = (user + system) / 60e6
    const days = this.#simulated / day
    const row = (what: string, times: number): string => `  ${what.padEnd(44)} ${String(times).padStart(8)}`
    const others = [...this.#coverage.keys()].filter((what) => !what.startsWith("fault: ")).sort()
    return [
      `${this.#seeds} seeds, ${days.toFixed(2)} simulated days, ${this.#writes} writes, ${this.#steps} steps; ` +
        `${minutes.toFixed(2)} CPU minutes: ${(days / minutes).toFixed(1)} days a CPU minute`,
      `settled ${this.times("settled")} times, at most ${Math.round(this.#settledIn / 1000)} s after faults stopped`,
      "faults:",
      ...this.#faults.map((name) => row(name, this.times(`fault: ${name}`))),
      "in EC2 and in the daemons:",
      ...others.map((what) => row(what, this.times(what))),
      this.#failed.length === 0 ? "no promise was broken" : `promises were broken by seeds ${this.#failed.join(", ")}`,
    ].join("\n")
  }
}
