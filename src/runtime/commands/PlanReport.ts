import { compareText } from "../../domain/Action.ts"
import { type Brake, brakeOn } from "../../domain/DeletionBrake.ts"
import { type Health, type HostVerdict, Verdict } from "../../domain/Health.ts"
import { type Plan, plan } from "../../domain/Plan.ts"
import { type Policy, selectorWords, unmatchedSelectors } from "../../domain/Policy.ts"
import { type DecodedSpec, hostsOf, type SpecProblem } from "../../domain/RouteSpec.ts"
import type { RouteTable, Vpc } from "../../domain/Vpc.ts"
import { indexVpc, type VpcIndex } from "../../domain/VpcIndex.ts"
import type { OptionProblem } from "../OptionReader.ts"

/** What a plan is made of. */
export interface PlanInput {
  readonly decoded: DecodedSpec
  readonly health: Health
  readonly vpc: Vpc
  readonly policy: Policy
  /** As `the simulated vpc-350d6a51`. */
  readonly vpcWords: string
  readonly isSimulated: boolean
  readonly assumesHealthy: boolean
  readonly warnings: ReadonlyArray<OptionProblem>
}

/** A plan, and what a reader wants to know beside it. */
export interface PlanReport extends Plan {
  readonly input: PlanInput
  /** In scope, by id. */
  readonly tables: ReadonlyArray<RouteTable>
  /** Of the spec, by address. */
  readonly hosts: ReadonlyArray<HostVerdict>
  /** Deletions that the daemon would hold until they are confirmed. */
  readonly brake: Brake | undefined
  readonly warnings: ReadonlyArray<OptionProblem>
}

const countOwned = ({ byCidr }: VpcIndex): number => {
  let owned = 0
  for (const row of byCidr.values()) for (const route of row.values()) if (route.owned) owned++
  return owned
}

const asOption = ({ message, path }: SpecProblem): OptionProblem => ({ option: path, message })

/** A typo in `--tables` must not look as if there were nothing to do. */
const scopeWarnings = ({ policy, vpc }: PlanInput, inScope: number): ReadonlyArray<OptionProblem> => [
  ...unmatchedSelectors(policy, vpc.tables.values()).map((selector) => ({
    option: "--tables",
    message: `${selectorWords(selector)} matches no route table of ${vpc.id}`,
  })),
  ...(inScope === 0 ? [{ option: "--tables", message: `no route table of ${vpc.id} is in scope` }] : []),
]

/** Plans. Pure; the same input gives the same report. */
export const planReport = (input: PlanInput): PlanReport => {
  const { decoded, health, policy, vpc } = input
  const { spec } = decoded
  const { actions, held } = plan(spec, health, vpc, policy)
  const index = indexVpc(vpc, policy)
  const owned = countOwned(index)
  const deletions = actions.filter((action) => action._tag === "DeleteRoute")
  return {
    input,
    actions,
    held,
    tables: index.tables.flatMap((id) => vpc.tables.get(id) ?? []),
    hosts: [...hostsOf(spec)]
      .sort(compareText)
      .map((host) => ({ host, verdict: health.get(host) ?? Verdict.Unknown({ since: 0 }) })),
    brake: brakeOn({
      deletions,
      confirmed: new Map(),
      spec,
      owned,
      mostOwned: owned,
      lastDeleted: () => new Set(),
      before: undefined,
    }),
    warnings: [...input.warnings, ...decoded.warnings.map(asOption), ...scopeWarnings(input, index.tables.length)],
  }
}

/** How many there are of each kind. */
export const countsOf = ({ actions, held }: Plan) => {
  const countOf = (tag: Plan["actions"][number]["_tag"]): number => actions.filter(({ _tag }) => _tag === tag).length
  return {
    create: countOf("CreateRoute"),
    replace: countOf("ReplaceRoute"),
    delete: countOf("DeleteRoute"),
    held: held.length,
  }
}
