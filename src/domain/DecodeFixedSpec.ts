import { Result } from "effect"
import { parseIp } from "./Ip.ts"
import type { DecodedSpec, SpecProblem } from "./RouteSpec.ts"
import { SpecDraft } from "./SpecDraft.ts"

/**
 * Reads the spec of `--fixed-cidr` and `--fixed-hosts`: one destination, and its hosts separated by colons or commas
 * ({@link splitHosts}). Faults and warnings are those of a spec in JSON; their places are the flags.
 */
export const decodeFixedSpec = (
  destination: string,
  hosts: string,
): Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>> => {
  const draft = new SpecDraft()
  const listed = hosts.trim() === "" ? [] : splitHosts(hosts)
  draft.add(
    "--fixed-cidr",
    destination.trim(),
    listed.map((value, index) => ({ path: `--fixed-hosts[${index}]`, node: { _tag: "Scalar", value } })),
  )
  // In a JSON spec an empty list withdraws the route. Here it is far likelier an unset variable in a shell script.
  if (listed.length === 0) draft.fault("--fixed-hosts", 'expected at least one host, such as "10.33.20.93:10.33.30.22"')
  return draft.finish()
}

/**
 * Splits a list of hosts at commas, and then at colons, as the Python vpc-router did; but a piece that is one IPv6
 * address stays whole, and so does one in brackets: `10.0.0.1:10.0.0.2`, `fd00::1,fd00::2`, `[fd00::1]:[fd00::2]`.
 */
export const splitHosts = (text: string): ReadonlyArray<string> =>
  text.split(",").flatMap((piece) => {
    const host = piece.trim()
    if (Result.isSuccess(parseIp(host))) return [host]
    // IPv6 addresses joined by colons cannot be told apart: the whole is shown as the fault that it is.
    if (host.includes("::") && !host.includes("[")) return [host]
    return host.split(/:(?![^[]*\])/).map((part) => part.trim().replace(/^\[(.*)\]$/, "$1"))
  })
