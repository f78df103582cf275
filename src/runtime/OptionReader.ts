import { Result } from "effect"
import { type OptionName, variableOf } from "./OptionTable.ts"
import { onOff, type ParseValue } from "./OptionValues.ts"

/** The texts that were given for each option on the command line, in their order. A switch has `true` or `false`. */
export type GivenOptions = Readonly<Record<string, ReadonlyArray<string>>>

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Something wrong with an option: its name as it was given (`--port`, `VPC_ROUTER_PORT`), and what was expected. */
export interface OptionProblem {
  readonly option: string
  readonly message: string
}

/** Where a value came from: the command line, or the environment. */
interface Found {
  readonly texts: ReadonlyArray<string>
  readonly place: string
  readonly isFlag: boolean
}

/**
 * Where Kubernetes describes a Service named `vpc-router` to every container of its namespace, as Docker's links did:
 * `VPC_ROUTER_PORT=tcp://10.96.1.2:33289`. It is not meant for us.
 */
const isServiceLink = (text: string): boolean => /^(tcp|udp|sctp):\/\//.test(text)

/** Looks options up, on the command line and then in the environment, and collects everything that is wrong with them. */
export class OptionReader<Name extends string = OptionName> {
  readonly #given: GivenOptions
  readonly #environment: Environment
  readonly #faults: Array<OptionProblem> = []
  readonly #warnings: Array<OptionProblem> = []

  constructor(given: GivenOptions, environment: Environment) {
    this.#given = given
    this.#environment = environment
  }

  get faults(): ReadonlyArray<OptionProblem> {
    return this.#faults
  }

  get warnings(): ReadonlyArray<OptionProblem> {
    return this.#warnings
  }

  /** The name to complain about. */
  place(name: Name): string {
    return this.#find(name)?.place ?? `--${name}`
  }

  isGiven(name: Name): boolean {
    return this.#find(name) !== undefined
  }

  fault(name: Name, message: string): void {
    this.#faults.push({ option: this.place(name), message })
  }

  warn(name: Name, message: string): void {
    this.#warnings.push({ option: this.place(name), message })
  }

  /** An option that has no effect here: a mistake on the command line, but the environment may serve several set-ups. */
  unused(name: Name, why: string): void {
    const found = this.#find(name)
    if (found?.isFlag === true) this.fault(name, why)
    else if (found !== undefined) this.warn(name, `${why}; it is left out`)
  }

  /** One value. Undefined where it is not given, or wrong. */
  value<A>(name: Name, parse: ParseValue<A>): A | undefined {
    const found = this.#find(name)
    const [text, ...more] = found?.texts ?? []
    if (text === undefined) return undefined
    if (more.length > 0) this.fault(name, `expected once, got it ${more.length + 1} times`)
    return this.#parse(name, parse, text)
  }

  /** All values of a list, separated by commas. Undefined where it is not given; wrong items are left out. */
  list<A>(name: Name, parse: ParseValue<A>): ReadonlyArray<A> | undefined {
    return this.#find(name)
      ?.texts.flatMap((text) => text.split(","))
      .flatMap((text) => {
        const parsed = this.#parse(name, parse, text.trim())
        return parsed === undefined ? [] : [parsed]
      })
  }

  /** A switch; the last word counts. */
  isOn(name: Name): boolean {
    const words = this.#find(name)?.texts.map((text) => this.#parse(name, onOff, text))
    return words?.at(-1) === true
  }

  #parse<A>(name: Name, parse: ParseValue<A>, text: string): A | undefined {
    const parsed = parse(text)
    if (Result.isSuccess(parsed)) return parsed.success
    this.fault(name, `expected ${parsed.failure}, got ${text === "" ? "nothing" : JSON.stringify(text)}`)
    return undefined
  }

  #find(name: Name): Found | undefined {
    const texts = this.#given[name] ?? []
    if (texts.length > 0) return { texts, place: `--${name}`, isFlag: true }
    const variable = variableOf(name)
    const text = this.#environment[variable]
    // Set but empty is how shells and compose files say "not set".
    return text === undefined || text === "" || isServiceLink(text)
      ? undefined
      : { texts: [text], place: variable, isFlag: false }
  }
}
