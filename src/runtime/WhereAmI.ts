import { Effect } from "effect"
import { whereAmI, type WhereaboutsUnknown } from "../services/ec2/Metadata.ts"
import type { VpcChoice } from "./Options.ts"
import { StartFault } from "./StartFault.ts"

/** What is expected of the options that say where the VPC is. */
export const expected = {
  region: "expected the region of the VPC, such as us-east-1 (or AWS_REGION, or --simulate to try it out)",
  vpc: "expected the id of the VPC, such as vpc-350d6a51 (or --simulate to try it out)",
}

/** Where to write what was not said, if the metadata do not tell it either. */
const missing = (
  { region, vpcId }: Extract<VpcChoice, { readonly _tag: "Here" }>,
  { isRegionKnown, why }: WhereaboutsUnknown,
): StartFault =>
  new StartFault({
    problems: [
      ...(region === undefined && isRegionKnown !== true
        ? [{ option: "--region", message: `${expected.region}; ${why}` }]
        : []),
      ...(vpcId === undefined ? [{ option: "--vpc", message: `${expected.vpc}; ${why}` }] : []),
    ],
  })

/** The VPC in full: what was not said about it is asked of the instance metadata. */
export const locate = Effect.fnUntraced(function* (
  choice: VpcChoice,
): Effect.fn.Return<Exclude<VpcChoice, { readonly _tag: "Here" }>, StartFault> {
  if (choice._tag !== "Here") return choice
  const { endpoint, region, vpcId } = choice
  const found = yield* Effect.mapError(whereAmI({ region, vpcId }, endpoint), (unknown) => missing(choice, unknown))
  return { _tag: "Aws", ...found }
})
