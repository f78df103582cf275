import { Result, SchemaIssue, SchemaParser } from "effect"
import { type Cidr, familyOf as familyOfCidr, ofInterface } from "./Cidr.ts"
import { familyOf, type Ip, ofAddress } from "./Ip.ts"
import { quote } from "./JsonPath.ts"
import type { JsonNode } from "./JsonText.ts"
import type { DecodedSpec, SpecProblem } from "./RouteSpec.ts"
import { Destination, HostAddress } from "./SpecFields.ts"

/** The most destinations of a spec: ten times what one route table can hold (1,000 routes is EC2's highest quota). */
export const maxDestinations = 10_000

/** The most hosts that may carry one destination. */
export const maxHostsPerDestination = 256

/** How many faults, or warnings, of one spec are told in full; the rest is counted. */
export const maxProblems = 100

/** After so many faults a spec is not read further: a large text of nothing but faults must not hold up the process. */
const maxCounted = 1_000

/** A host as it was written, and its place. */
export interface HostInput {
  readonly path: string
  readonly node: JsonNode
}

const decodeDestination = SchemaParser.decodeUnknownResult(Destination)
const inWords = SchemaIssue.makeFormatterDefault()
const decodeHost = SchemaParser.decodeUnknownResult(HostAddress)

/** What the node is, in words: its text if it is a string. */
export const nodeInWords = (node: JsonNode): string => {
  if (node._tag !== "Scalar") return node._tag === "List" ? "a list" : "an object"
  if (typeof node.value === "string") return quote(node.value)
  return node.value === null ? "null" : `the ${typeof node.value} ${node.value}`
}

class BoundedProblems {
  private readonly told: Array<SpecProblem> = []
  private untold = 0

  add(path: string, message: string): void {
    if (this.told.length < maxProblems) this.told.push({ path, message })
    else this.untold++
  }

  get count(): number {
    return this.told.length + this.untold
  }

  list(): ReadonlyArray<SpecProblem> {
    if (this.untold === 0) return this.told
    const atLeast = this.count < maxCounted ? "" : "at least "
    return [...this.told, { path: "$", message: `and ${atLeast}${this.untold} more` }]
  }
}

/** A spec in the making, whatever it is written in: it takes entry after entry, and collects all faults and warnings. */
export class SpecDraft {
  private readonly hosts = new Map<Cidr, ReadonlyArray<Ip>>()
  private readonly pathOf = new Map<Cidr, string>()
  private readonly faults = new BoundedProblems()
  private readonly warnings = new BoundedProblems()

  fault(path: string, message: string): void {
    this.faults.add(path, message)
  }

  /** Whether to give up: there are more faults than anybody would read. */
  get isHopeless(): boolean {
    return this.faults.count >= maxCounted
  }

  /**
   * A destination, and the hosts that may carry it: all of them, or the first
   * {@link maxHostsPerDestination} of `count`, since checking the rest would take long. A destination
   * that came before is a fault that names both places.
   */
  add(path: string, text: string, hosts: ReadonlyArray<HostInput>, count = hosts.length): void {
    const destination = this.destination(path, text)
    if (count > maxHostsPerDestination)
      this.fault(path, `expected at most ${maxHostsPerDestination} hosts, got ${count}`)
    const read = this.hostsOf(hosts, destination)
    if (destination !== undefined) this.hosts.set(destination, read)
  }

  /** The destination alone, where its hosts could not even be listed. */
  destination(path: string, text: string): Cidr | undefined {
    const parsed = decodeDestination(text)
    if (Result.isFailure(parsed)) {
      const hint = Result.isSuccess(decodeHost(text))
        ? `; did you mean "${text}/${text.includes(":") ? 128 : 32}"?`
        : ""
      const why = `${inWords(parsed.failure)}${hint}`
      this.fault(path, `expected a destination CIDR such as "10.66.17.0/24", got ${quote(text)}: ${why}`)
      return undefined
    }
    const { cidr, hadHostBits } = ofInterface(parsed.success)
    const earlier = this.pathOf.get(cidr)
    if (earlier === path) return cidr
    if (earlier !== undefined) {
      this.fault(path, `the same destination (${cidr}) as ${earlier}; name it once`)
      return cidr
    }
    this.pathOf.set(cidr, path)
    if (hadHostBits) this.warnings.add(path, `host bits cleared: read as ${cidr}, which is what EC2 stores`)
    return cidr
  }

  private hostsOf(inputs: ReadonlyArray<HostInput>, destination: Cidr | undefined): ReadonlyArray<Ip> {
    const family = destination === undefined ? undefined : familyOfCidr(destination)
    const pathOf = new Map<Ip, string>()
    for (const input of inputs) {
      const host = this.host(input)
      if (host === undefined) continue
      const earlier = pathOf.get(host)
      if (earlier !== undefined) {
        this.warnings.add(input.path, `the same host (${host}) as ${earlier}; counted once`)
        continue
      }
      pathOf.set(host, input.path)
      if (family !== undefined && familyOf(host) !== family) {
        this.fault(input.path, `expected an IPv${family} address, as the destination is IPv${family}, got ${host}`)
      }
    }
    return [...pathOf.keys()].toSorted()
  }

  private host({ path, node }: HostInput): Ip | undefined {
    if (node._tag === "Scalar" && typeof node.value === "string") {
      const parsed = decodeHost(node.value)
      if (Result.isSuccess(parsed)) return ofAddress(parsed.success)
      this.fault(path, `expected a host's IP address, got ${nodeInWords(node)}: ${inWords(parsed.failure)}`)
    } else {
      this.fault(path, `expected a host's IP address in double quotes, got ${nodeInWords(node)}`)
    }
    return undefined
  }

  /** The spec, its destinations sorted; or every fault, in the order of the text. */
  finish(): Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>> {
    if (this.faults.count > 0) return Result.fail(this.faults.list())
    const spec = new Map([...this.hosts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    return Result.succeed({ spec, warnings: this.warnings.list() })
  }
}
