import { Effect, type FileSystem, Result } from "effect"
import { hostsOf, type SpecProblem } from "../../domain/RouteSpec.ts"
import { type StartFault, startFault } from "../StartFault.ts"
import { argumentOf, checkOptions, type CommandRun, print, printJson } from "./CommandRun.ts"
import { count, type Line, span, type Tone } from "./Lines.ts"
import { inputName, readSpec, standardInput } from "./SpecInput.ts"

const problemLine =
  (name: string, tone: Tone, kind: string) =>
  ({ message, path }: SpecProblem): Line => [span(`${name}: `), span(kind, tone), span(`: ${path}: ${message}`)]

/** `vpc-router validate FILE`: gives the exit code. */
export const validate = Effect.fnUntraced(function* (
  run: CommandRun,
): Effect.fn.Return<number, StartFault, FileSystem.FileSystem> {
  const isJson = run.reader.isOn("json")
  yield* checkOptions(run)
  const place = (yield* argumentOf(run)) ?? standardInput
  const name = inputName(place)
  const decoded = yield* Effect.catchTag(readSpec(place), "InputUnreadable", ({ why }) => startFault("", why))
  if (Result.isFailure(decoded)) {
    const problems = decoded.failure
    if (isJson) yield* printJson({ valid: false, problems, warnings: [] })
    else
      yield* print(run, [
        ...problems.map(problemLine(name, "bad", "fault")),
        [span(`${name}: `), span("not accepted", "bad"), span(`; ${count(problems.length, "fault")}`)],
      ])
    return 1
  }
  const { spec, warnings } = decoded.success
  const hosts = hostsOf(spec).size
  if (isJson) yield* printJson({ valid: true, problems: [], warnings, cidrs: spec.size, hosts })
  else {
    const mended = warnings.length === 0 ? "" : `; ${count(warnings.length, "warning")}`
    yield* print(run, [
      ...warnings.map(problemLine(name, "warn", "warning")),
      [span(`${name}: `), span("ok", "good"), span(`: ${count(spec.size, "CIDR")}, ${count(hosts, "host")}${mended}`)],
    ])
  }
  return 0
})
