import { Result } from "effect"
import { type Cidr, ofIp, parseCidr } from "../domain/Cidr.ts"
import { RouteTableId, VpcId } from "../domain/Ids.ts"
import { parseIp } from "../domain/Ip.ts"
import type { Millis } from "../domain/Health.ts"
import { TableSelector } from "../domain/Policy.ts"

/** Reads one text. The failure says what was expected, so that it fits behind "expected". */
export type ParseValue<A> = (text: string) => Result.Result<A, string>

const list = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

/** One of these words, in any case. */
export const word =
  <const Words extends ReadonlyArray<string>>(words: Words): ParseValue<Words[number]> =>
  (text) => {
    const found = words.find((candidate) => candidate === text.toLowerCase())
    return found === undefined ? Result.fail(list(words)) : Result.succeed(found)
  }

export const anyText: ParseValue<string> = (text) => Result.succeed(text)

/** The path of a file. `-` is one only where standard input or output may take its place. */
export const fileName: ParseValue<string> = (text) => {
  if (text === "-") return Result.fail("a file (one that is called so is ./-)")
  return text === "" ? Result.fail("a file") : Result.succeed(text)
}

/** Where to write: the path of a file, or `-` for standard output. */
export const fileOrOutput: ParseValue<string> = (text) => (text === "-" ? Result.succeed(text) : fileName(text))

const matching =
  <A>(pattern: RegExp, make: (text: string) => A, expected: string): ParseValue<A> =>
  (text) =>
    pattern.test(text) ? Result.succeed(make(text)) : Result.fail(expected)

export const vpcId = matching(/^vpc-[0-9a-z]+$/, VpcId, "the id of a VPC, such as vpc-350d6a51")

export const region = matching(/^[a-z]+(-[a-z0-9]+)+$/, String, "an AWS region, such as us-east-1")

export const wholeNumber =
  (least: number, most: number): ParseValue<number> =>
  (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return number >= least && number <= most
      ? Result.succeed(number)
      : Result.fail(`a whole number from ${least} to ${most}`)
  }

const unitMillis: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** A time in seconds (`30`, `0.5`), or with a unit (`500ms`, `30s`, `5m`, `1h`). `orZero`: 0 is allowed besides. */
export const duration =
  (least: Millis, most: Millis, orZero: boolean = false): ParseValue<Millis> =>
  (text) => {
    const [, number, unit] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)?$/.exec(text) ?? []
    const millis = number === undefined ? Number.NaN : Number(number) * (unitMillis[unit ?? "s"] ?? Number.NaN)
    return (millis >= least && millis <= most) || (orZero && millis === 0)
      ? Result.succeed(millis)
      : Result.fail(`${orZero ? "0, or " : ""}seconds from ${least / 1_000} to ${most / 1_000}, such as 5 or 500ms`)
  }

/** The words that `--name=…` and the environment may use for a switch. */
export const onOff: ParseValue<boolean> = (text) => {
  const lower = text.toLowerCase()
  if (["true", "1", "yes", "on", "y"].includes(lower)) return Result.succeed(true)
  return ["false", "0", "no", "off", "n"].includes(lower) ? Result.succeed(false) : Result.fail("true or false")
}

/** A CIDR, and what host bits were cleared. */
export interface GivenRange {
  readonly cidr: Cidr
  readonly hadHostBits: boolean
}

/** `address/prefix`. */
export const range: ParseValue<GivenRange> = (text) =>
  Result.mapError(parseCidr(text), () => "a CIDR, such as 10.66.0.0/16")

/** A CIDR, or an address for the range that holds only it. */
export const rangeOrAddress: ParseValue<GivenRange> = (text) =>
  Result.match(parseIp(text), {
    onSuccess: (address) => Result.succeed({ cidr: ofIp(address), hadHostBits: false }),
    onFailure: () =>
      Result.mapError(parseCidr(text), () => "CIDRs or addresses, separated by commas, such as 10.66.0.0/16,10.1.2.3"),
  })

/** One of `--tables`; `all` says that every table is meant. Words in any case, as everywhere; ids and tags as they are. */
export const tableSelector: ParseValue<TableSelector | "all"> = (text) => {
  const lower = text.toLowerCase()
  if (lower === "all") return Result.succeed("all")
  if (lower === "main") return Result.succeed(TableSelector.Main())
  if (/^rtb-[0-9a-z]+$/.test(text)) return Result.succeed(TableSelector.Id({ id: RouteTableId(text) }))
  const [, key, value] = /^tag:([^=]+)=(.*)$/i.exec(text) ?? []
  return key === undefined || value === undefined
    ? Result.fail("all, main, the id of a route table such as rtb-0a1b2c3d, or tag:Key=Value")
    : Result.succeed(TableSelector.Tag({ key, value }))
}

const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i

/** An address, with or without brackets, or a host's name. */
export const hostOrAddress: ParseValue<string> = (text) => {
  const bare = text.replace(/^\[(.*)\]$/, "$1")
  const address = parseIp(bare)
  if (Result.isSuccess(address)) return Result.succeed(address.success)
  // Digits and dots alone are a mistyped address, not a name.
  return hostName.test(text) && !/^[\d.]+$/.test(text)
    ? Result.succeed(text.toLowerCase())
    : Result.fail("a host's name or address, without a port, such as localhost or 10.0.0.5")
}

/** Where something is served by HTTP. Kept as it was written, without a slash at the end. */
export const httpUrl: ParseValue<string> = (text) => {
  const { hostname, protocol, search, hash } = (URL.canParse(text) ? new URL(text) : undefined) ?? {}
  const isHttp = (protocol === "http:" || protocol === "https:") && hostname !== "" && search === "" && hash === ""
  return isHttp ? Result.succeed(text.replace(/\/+$/, "")) : Result.fail("a URL, such as http://localhost:4318")
}
