import { Result } from "effect"
import { type DetectorOptions, withTiming } from "../domain/DetectorOptions.ts"
import type { HttpCheck, StatusRange } from "../services/health/HttpProbe.ts"
import type { OptionReader } from "./OptionReader.ts"
import type { OptionName } from "./OptionTable.ts"
import * as Values from "./OptionValues.ts"

const names = [
  "http-check-path",
  "http-check-port",
  "http-check-status",
  "http-check-tls",
  "http-check-host",
  "http-check-insecure",
  "http-check-interval",
  "http-check-timeout",
] as const satisfies ReadonlyArray<OptionName>

/** What belongs to `--health http`. */
export interface HttpCheckChoice {
  readonly check: HttpCheck
  readonly detector: DetectorOptions
}

/** An answer of a busy server takes longer than a ping: a pause of its garbage collector must not look like a failure. */
const defaultTimeout = 500

const longestPath = 2_048

const path: Values.ParseValue<string> = (text) =>
  /^\/[\x21-\x7e]*$/.test(text) && !text.includes("#") && text.length <= longestPath
    ? Result.succeed(text)
    : Result.fail("a path with its query, escaped where needed, such as /healthz?full=1")

/** `204` or `200-399`. */
const statuses: Values.ParseValue<StatusRange> = (text) => {
  const [, first, last = first] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? []
  const range: StatusRange = [Number(first), Number(last)]
  return first !== undefined && range[0] <= range[1]
    ? Result.succeed(range)
    : Result.fail("HTTP statuses, such as 200-399,401")
}

/** Reads the options of HTTP checks; where these are not chosen, none may be given. */
export const readHttpCheck = (
  reader: OptionReader,
  isChosen: boolean,
  chosenDetector: DetectorOptions,
): HttpCheckChoice => {
  if (!isChosen) for (const name of names) reader.unused(name, "it belongs to --health http")
  const hasTls = reader.isOn("http-check-tls")
  const isInsecure = reader.isOn("http-check-insecure")
  if (isInsecure && !hasTls) reader.unused("http-check-insecure", "it belongs to --http-check-tls")
  const interval = reader.value("http-check-interval", Values.duration(100, 3_600_000)) ?? chosenDetector.interval
  const timeout = reader.value("http-check-timeout", Values.duration(100, 10_000)) ?? defaultTimeout
  const given = reader.list("http-check-status", statuses)
  return {
    check: {
      path: reader.value("http-check-path", path) ?? "/",
      port: reader.value("http-check-port", Values.wholeNumber(1, 65_535)) ?? (hasTls ? 443 : 80),
      statuses: given ?? [[200, 399]],
      tls: hasTls ? { verify: !isInsecure } : undefined,
      name: reader.value("http-check-host", Values.hostOrAddress),
    },
    detector: withTiming(chosenDetector, { interval, timeout }),
  }
}
