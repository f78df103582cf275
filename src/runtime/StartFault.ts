import { Data } from "effect"
import type { OptionProblem } from "./OptionReader.ts"

/** The daemon cannot start as it was asked to. All problems are in it; starting again as is would not help. */
export class StartFault extends Data.TaggedError("StartFault")<{
  readonly problems: ReadonlyArray<OptionProblem>
}> {}

/** One problem. */
export const startFault = (option: string, message: string): StartFault =>
  new StartFault({ problems: [{ option, message }] })
