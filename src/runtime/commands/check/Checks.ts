import { Effect, type FileSystem, Option } from "effect"
import type { DecodedSpec } from "../../../domain/RouteSpec.ts"
import type { Vpc } from "../../../domain/Vpc.ts"
import { indexVpc, isForeignInterface } from "../../../domain/VpcIndex.ts"
import type { Ec2 } from "../../../services/ec2/Ec2.ts"
import { type Contact, Preflight } from "../../../services/ec2/Preflight.ts"
import type { Options } from "../../Options.ts"
import { ec2Words, readVpc } from "../Picture.ts"
import { planReport, type PlanReport } from "../PlanReport.ts"
import { allHealthy } from "../Verdicts.ts"
import { anchorFindings } from "./AnchorFindings.ts"
import { contactFindings } from "./ContactFindings.ts"
import { fail, type Finding, skip, warn } from "./Finding.ts"
import { hostFindings, type Watched } from "./HostFindings.ts"
import { routeFindings } from "./RouteFindings.ts"
import { roomFindings, scopeFindings } from "./TableFindings.ts"
import { tableOf, unknownWay, wayFinding } from "./WayFinding.ts"
import { writeFindings } from "./WriteFindings.ts"

/** What is checked. */
export interface CheckInput {
  readonly options: Options
  readonly vpcWords: string
  /** Undefined: it would be posted. */
  readonly decoded: DecodedSpec | undefined
  readonly watched: Effect.Effect<Watched, never, FileSystem.FileSystem>
}

const planOf = ({ decoded, options, vpcWords }: CheckInput, vpc: Vpc, watched: Watched): PlanReport => {
  const spec = decoded ?? { spec: new Map(), warnings: [] }
  const health = watched._tag === "Watched" ? watched.health : allHealthy(new Set([...spec.spec.values()].flat()))
  return planReport({
    decoded: spec,
    health,
    vpc,
    policy: options.policy,
    vpcWords,
    isSimulated: options.vpc._tag === "Simulated",
    assumesHealthy: watched._tag !== "Watched",
    warnings: [],
  })
}

/** An interface that a route could lead to. */
const anInterface = (vpc: Vpc) =>
  [...vpc.interfaces.values()]
    .filter((found) => found.instanceId !== undefined && !isForeignInterface(vpc, found))
    .map(({ id }) => id)
    .sort()[0]

const prefixListSizes = (report: PlanReport) =>
  Effect.gen(function* () {
    const ids = new Set(
      report.tables.flatMap(({ prefixListRoutes }) => prefixListRoutes.map((one) => one.prefixListId)),
    )
    if (ids.size === 0) return new Map()
    const { prefixLists } = yield* Preflight
    return Option.getOrElse(yield* Effect.option(prefixLists([...ids].sort())), () => new Map())
  })

const proxies = ["HTTPS_PROXY", "https_proxy"] as const

/** Names have few addresses; more would say nothing new. */
const mostAddresses = 8

/** The way that this machine's calls take, as far as it leads through the VPC. */
const wayOf = Effect.fnUntraced(function* (
  { decoded, options }: CheckInput,
  vpc: Vpc,
  { endpoint }: Contact,
): Effect.fn.Return<Finding, never, Preflight> {
  if (options.vpc._tag === "Simulated") return unknownWay("the VPC is simulated")
  if (proxies.some((name) => (process.env[name] ?? "") !== "")) return unknownWay("calls go through a proxy")
  if (endpoint === undefined || endpoint.addresses.length === 0)
    return unknownWay("the address of the API is not known")
  const { sourceTo, subnetOf } = yield* Preflight
  const { interfaceOf } = indexVpc(vpc, options.policy)
  for (const address of endpoint.addresses.slice(0, mostAddresses)) {
    const source = yield* sourceTo(address)
    const interfaceId = source === undefined ? undefined : interfaceOf.get(source)
    if (interfaceId === undefined) continue
    const subnet = Option.getOrUndefined(yield* Effect.option(subnetOf(interfaceId)))
    const table = subnet === undefined ? undefined : tableOf(vpc, subnet)
    return table === undefined
      ? unknownWay(`the subnet of ${interfaceId} is not known`)
      : wayFinding({ hostname: endpoint.hostname, address, table }, options.policy, decoded?.spec)
  }
  return unknownWay(`this machine is not in ${vpc.id}`)
})

/** Everything that is found, in the order in which a daemon would come upon it. */
export const findings = Effect.fnUntraced(function* (
  input: CheckInput,
): Effect.fn.Return<ReadonlyArray<Finding>, never, Ec2 | Preflight | FileSystem.FileSystem> {
  const { decoded, options } = input
  const { contact } = yield* Preflight
  const met = yield* contact
  const first = contactFindings(met)
  const reading = yield* Effect.result(readVpc)
  if (reading._tag === "Failure") {
    // Told already, if a read was tried and refused.
    const told = met.reads.some(({ error }) => error !== undefined)
    return [
      ...first,
      ...(told ? [] : [fail("reading EC2", ec2Words(reading.failure))]),
      skip("the rest", "not looked at, since EC2 cannot be read"),
    ]
  }
  const vpc = reading.success
  const watched = yield* input.watched
  const report = planOf(input, vpc, watched)
  return [
    ...first,
    ...scopeFindings(options.policy, vpc, report.tables),
    ...(yield* writeFindings(report, anInterface(vpc), met.untried)),
    ...roomFindings(report.tables, report.actions, yield* prefixListSizes(report)),
    ...(decoded === undefined
      ? [skip("spec", "not given (--file), so that hosts and routes are not looked at")]
      : [
          ...decoded.warnings.map(({ message, path }) => warn(`spec ${path}`, message)),
          ...hostFindings(decoded.spec, vpc, indexVpc(vpc, options.policy), watched),
          ...routeFindings(report),
        ]),
    ...anchorFindings(options.anchors, decoded?.spec, watched),
    yield* wayOf(input, vpc, met),
  ]
})
