import { Result, SchemaIssue, SchemaParser } from "effect"
import { type Ip, ofAddress } from "./Ip.ts"
import { type JsonPath, showPath } from "./JsonPath.ts"
import { type JsonMember, type JsonNode, parseJsonText } from "./JsonText.ts"
import { nodeInWords } from "./SpecDraft.ts"
import { HostAddress } from "./SpecFields.ts"

/** Which hosts alarms count for, by the alarm's name: the content of an `--alarm-map` file. */
export type AlarmMap = ReadonlyMap<string, ReadonlyArray<Ip>>

/** A fault in such a file: its place, and what was expected there. */
export interface AlarmMapFault {
  readonly path: string
  readonly message: string
}

/** The most alarms that are mapped, and the most hosts of one; and the longest name that CloudWatch takes. */
const maxAlarms = 5_000
const maxHosts = 256
const longestName = 255

/** How many faults are told. */
const maxFaults = 100

const decodeHost = SchemaParser.decodeUnknownResult(HostAddress)
const inWords = SchemaIssue.makeFormatterDefault()

const hostOf = (node: JsonNode): Result.Result<Ip, string> => {
  if (node._tag !== "Scalar" || typeof node.value !== "string")
    return Result.fail(`expected a host's IP address in double quotes, got ${nodeInWords(node)}`)
  return Result.mapBoth(decodeHost(node.value), {
    onSuccess: ofAddress,
    onFailure: (issue) => `expected a host's IP address, got ${nodeInWords(node)}: ${inWords(issue)}`,
  })
}

class Reader {
  readonly faults: Array<AlarmMapFault> = []
  readonly hosts = new Map<string, ReadonlyArray<Ip>>()

  fault(path: JsonPath, message: string): void {
    this.faults.push({ path: showPath(path), message })
  }

  member({ key, place, repeats, value }: JsonMember): void {
    if (repeats !== undefined) {
      const [first, again] = [repeats, place].map(({ line, column }) => `line ${line}, column ${column}`)
      return this.fault([key], `the same alarm twice: ${first}, and ${again}; name it once`)
    }
    if (key === "" || key.length > longestName)
      this.fault([key], `expected the name of an alarm, 1 to ${longestName} characters, got ${key.length}`)
    const nodes = value._tag === "List" ? value.items : [value]
    if (nodes.length === 0) this.fault([key], "expected at least one host, got an empty list")
    if (nodes.length > maxHosts) this.fault([key], `expected at most ${maxHosts} hosts, got ${nodes.length}`)
    const hosts = new Set<Ip>()
    nodes.slice(0, maxHosts).forEach((node, index) => {
      const host = hostOf(node)
      if (Result.isSuccess(host)) hosts.add(host.success)
      else this.fault(value._tag === "List" ? [key, index] : [key], host.failure)
    })
    this.hosts.set(key, [...hosts].sort())
  }
}

/**
 * Reads `{"router-a is down": "10.33.20.93", "zone b": ["10.33.30.22", "10.33.30.101"]}`: which hosts each alarm counts for.
 * All faults (the first 100), each with its place. Limits: 1 MiB, 5,000 alarms, 256 hosts each.
 */
export const decodeAlarmMap = (text: string): Result.Result<AlarmMap, ReadonlyArray<AlarmMapFault>> => {
  const parsed = parseJsonText(text)
  if (Result.isFailure(parsed)) return Result.fail([parsed.failure])
  const node = parsed.success
  const reader = new Reader()
  if (node._tag !== "Object")
    reader.fault([], `expected an object, {"name of an alarm": "10.33.20.93"}, got ${nodeInWords(node)}`)
  else if (node.members.length > maxAlarms)
    reader.fault([], `expected at most ${maxAlarms} alarms, got ${node.members.length}`)
  else for (const member of node.members) reader.member(member)
  const more = reader.faults.length - maxFaults
  if (reader.faults.length === 0) return Result.succeed(reader.hosts)
  const told = reader.faults.slice(0, maxFaults)
  return Result.fail(more > 0 ? [...told, { path: "$", message: `and ${more} more` }] : told)
}
