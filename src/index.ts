/**
 * The library: {@link plan} and what it takes and gives. Everything here is pure: no I/O, no clock, no randomness, and the
 * same input gives the same output. The only dependency is `effect`.
 *
 * @example
 * ```ts
 * import {
 *   cidr, describeAction, InstanceId, InterfaceId, type Ip, ip, plan, RouteTableId, type RouteSpec, Verdict,
 *   type Vpc, VpcId,
 * } from "vpc-router"
 *
 * const instance = (name: string, address: string) => ({
 *   id: InterfaceId(`eni-${name}`),
 *   addresses: [ip(address)],
 *   instanceId: InstanceId(`i-${name}`),
 *   sourceDestCheck: false,
 *   requesterManaged: false,
 *   ownerId: undefined,
 *   zone: undefined,
 * })
 * const interfaces = [instance("a", "10.33.20.93"), instance("b", "10.33.30.22")]
 * const vpc: Vpc = {
 *   id: VpcId("vpc-350d6a51"),
 *   ownerId: undefined,
 *   cidrs: [cidr("10.33.0.0/16")],
 *   tables: new Map([
 *     [
 *       RouteTableId("rtb-main"),
 *       {
 *         id: RouteTableId("rtb-main"),
 *         main: true,
 *         edge: false,
 *         subnets: [],
 *         tags: new Map(),
 *         routes: [],
 *         prefixListRoutes: [],
 *       },
 *     ],
 *   ]),
 *   interfaces: new Map(interfaces.map((one) => [one.id, one])),
 *   instances: new Map(interfaces.map(({ instanceId }) => [instanceId, "running"])),
 * }
 * const spec: RouteSpec = new Map([[cidr("10.66.17.0/24"), [ip("10.33.20.93"), ip("10.33.30.22")]]])
 * const health = new Map<Ip, Verdict>([
 *   [ip("10.33.20.93"), Verdict.Failed({ since: 0, reason: "no reply to 3 probes" })],
 *   [ip("10.33.30.22"), Verdict.Healthy({ since: 0 })],
 * ])
 *
 * for (const action of plan(spec, health, vpc).actions) console.log(describeAction(action))
 * // create 10.66.17.0/24 in rtb-main to 10.33.30.22 (eni-b): the route is missing
 * ```
 *
 * @module
 */

export { type Plan, plan } from "./domain/Plan.ts"
export {
  Action,
  type Cell,
  describe as describeAction,
  Reason,
  type Urgency,
  words as reasonWords,
} from "./domain/Action.ts"
export { type Held, HoldReason, holdWords, type Unable } from "./domain/Hold.ts"
export { type Disposition } from "./domain/WriteFailure.ts"

export { type DecodedSpec, encodeRouteSpec, hostsOf, type RouteSpec, type SpecProblem } from "./domain/RouteSpec.ts"
export { decodeRouteSpec } from "./domain/DecodeRouteSpec.ts"
export { type Health, type Millis, Verdict } from "./domain/Health.ts"
export { defaultGuards, type GuardPolicy } from "./domain/GuardPolicy.ts"
export { defaultPolicy, type Policy, TableScope, TableSelector } from "./domain/Policy.ts"

export {
  type InstanceState,
  type NetworkInterface,
  type PrefixListRoute,
  type Route,
  type RouteOrigin,
  type RouteTable,
  RouteTarget,
  type Vpc,
} from "./domain/Vpc.ts"
export { AccountId, InstanceId, InterfaceId, RouteTableId, SubnetId, VpcId } from "./domain/Ids.ts"
export { type Cidr, cidr, type ParsedCidr, parseCidr } from "./domain/Cidr.ts"
export { type Family, type Ip, ip, parseIp } from "./domain/Ip.ts"
