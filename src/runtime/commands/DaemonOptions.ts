import { Effect, type FileSystem, Result } from "effect"
import { readToken } from "../../services/http/BearerToken.ts"
import { isWildcard } from "../../services/http/Peer.ts"
import { variableOf } from "../OptionTable.ts"
import * as Values from "../OptionValues.ts"
import { type StartFault, startFault } from "../StartFault.ts"
import type { CommandRun } from "./CommandRun.ts"

const url: Values.ParseValue<string> = (text) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  return parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.search === "" && parsed.hash === ""
    ? Result.succeed(parsed.href.replace(/\/+$/, ""))
    : Result.fail("the URL of a daemon, such as http://localhost:33289")
}

/** Where a daemon with these variables serves, as seen from its own machine. */
const defaultUrl = ({ environment }: CommandRun): string => {
  const read = <A>(name: string, parse: Values.ParseValue<A>): A | undefined =>
    Result.getOrUndefined(parse(environment[variableOf(name)] ?? ""))
  const address = read("address", Values.hostOrAddress) ?? "localhost"
  const port = read("port", Values.wholeNumber(1, 65_535)) ?? 33_289
  const host = isWildcard(address) ? "localhost" : address.includes(":") ? `[${address}]` : address
  return `http://${host}:${port}`
}

/** `--url`; its faults are the reader's. */
export const readUrl = (run: CommandRun): string => run.reader.value("url", url) ?? defaultUrl(run)

/** The token in the file of `--token-file`. */
export const readGivenToken = Effect.fnUntraced(function* ({
  reader,
}: CommandRun): Effect.fn.Return<string | undefined, StartFault, FileSystem.FileSystem> {
  const file = reader.value("token-file", Values.fileName)
  if (file === undefined) return undefined
  return yield* Effect.mapError(readToken(file), ({ why }) => startFault(reader.place("token-file"), why))
})
