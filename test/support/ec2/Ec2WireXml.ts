import type { InstanceId } from "../../../src/domain/Ids.ts"
import type { InstanceStatus } from "../../../src/domain/InstanceStatus.ts"
import type { SimulatedVpc } from "../../../src/services/ec2/SimulatedVpc.ts"
import { interfacesOf, tablesOf } from "../../../src/services/ec2/SimulatedVpc.ts"
import { familyOf } from "../../../src/domain/Cidr.ts"
import { familyOf as familyOfIp } from "../../../src/domain/Ip.ts"
import type { NetworkInterface, Route, RouteTable, RouteTarget } from "../../../src/domain/Vpc.ts"

/** An element's content: text, elements in order, or nothing at all. */
export type Xml = string | boolean | number | undefined | { readonly [name: string]: Xml } | ReadonlyArray<Xml>

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }

/** Elements of an object in order; a list as `<item>`s, as EC2 writes all its sets. */
const content = (xml: Xml): string => {
  if (xml === undefined) return ""
  if (typeof xml !== "object") return String(xml).replace(/[&<>"]/g, (found) => escapes[found] ?? found)
  if (isList(xml)) return xml.map((item) => `<item>${content(item)}</item>`).join("")
  return Object.entries(xml)
    .map(([name, inner]) => (inner === undefined ? "" : `<${name}>${content(inner)}</${name}>`))
    .join("")
}

const isList = (xml: object): xml is ReadonlyArray<Xml> => Array.isArray(xml)

/** EC2's answer to an action. */
export const answerXml = (action: string, requestId: string, body: Readonly<Record<string, Xml>>): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">` +
  `${content({ requestId, ...body })}</${action}Response>`

/** EC2's answer to an action that failed. */
export const errorXml = (code: string, message: string, requestId: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response>` +
  `${content({ Errors: { Error: { Code: code, Message: message } }, RequestID: requestId })}</Response>`

const lowerFirst = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1)

const targetXml = (target: RouteTarget): { readonly [name: string]: Xml } => {
  switch (target._tag) {
    case "Interface":
      return {
        instanceId: target.instanceId,
        instanceOwnerId: target.ownerId,
        networkInterfaceId: target.interfaceId,
      }
    case "Instance":
      return { instanceId: target.instanceId, instanceOwnerId: target.ownerId }
    case "Other":
      return { [lowerFirst(target.kind)]: target.id }
  }
}

const routeXml = (route: Route): Xml => ({
  [familyOf(route.destination) === 6 ? "destinationIpv6CidrBlock" : "destinationCidrBlock"]: route.destination,
  ...targetXml(route.target),
  state: route.state,
  origin: route.origin,
})

const tableXml = (vpc: SimulatedVpc, table: RouteTable): Xml => {
  const association = (serial: string, rest: { readonly [name: string]: Xml }): Xml => ({
    routeTableAssociationId: `rtbassoc-${serial}`,
    routeTableId: table.id,
    ...rest,
    associationState: { state: "associated" },
  })
  const gateway = vpc.tables.get(table.id)?.edge
  return {
    routeTableId: table.id,
    vpcId: vpc.id,
    ownerId: vpc.ownerId,
    routeSet: [
      ...table.routes.map(routeXml),
      ...table.prefixListRoutes.map(({ prefixListId, target }) => ({
        destinationPrefixListId: prefixListId,
        ...targetXml(target),
        state: "active",
        origin: "CreateRoute",
      })),
    ],
    associationSet: [
      ...(table.main ? [association(`main-${table.id}`, { main: true })] : []),
      ...table.subnets.map((subnetId) => association(subnetId, { main: false, subnetId })),
      ...(gateway === undefined ? [] : [association(gateway, { main: false, gatewayId: gateway })]),
    ],
    tagSet: [...table.tags].map(([key, value]) => ({ key, value })),
  }
}

const interfaceXml = (vpc: SimulatedVpc, shown: NetworkInterface): Xml => {
  const found = vpc.interfaces.get(shown.id)
  const v4 = shown.addresses.filter((address) => familyOfIp(address) === 4)
  const v6 = shown.addresses.filter((address) => familyOfIp(address) === 6)
  return {
    networkInterfaceId: shown.id,
    subnetId: found?.subnetId,
    vpcId: vpc.id,
    availabilityZone: shown.zone,
    ownerId: shown.ownerId,
    requesterManaged: shown.requesterManaged,
    status: found?.attachment === undefined ? "available" : "in-use",
    privateIpAddress: v4[0],
    sourceDestCheck: shown.sourceDestCheck,
    attachment:
      found?.attachment === undefined
        ? undefined
        : {
            attachmentId: `eni-attach-${shown.id}`,
            instanceId: found.attachment.instanceId,
            instanceOwnerId: found.attachment.ownerId,
            deviceIndex: 0,
            status: "attached",
            deleteOnTermination: true,
          },
    privateIpAddressesSet: v4.map((privateIpAddress, at) => ({ privateIpAddress, primary: at === 0 })),
    ipv6AddressesSet: v6.map((ipv6Address) => ({ ipv6Address })),
  }
}

const stateCodes: Readonly<Record<string, number>> = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
}

/** What DescribeInstanceStatus shows of an instance. */
export const statusXml = ([instanceId, { checks, events, state }]: readonly [InstanceId, InstanceStatus]): Xml => ({
  instanceId,
  instanceState: { code: stateCodes[state], name: state },
  systemStatus: { status: checks.system },
  instanceStatus: { status: checks.instance },
  attachedEbsStatus: checks.ebs === "not-applicable" ? undefined : { status: checks.ebs },
  eventsSet: events.map(({ code, description, id, notBefore }) => ({
    instanceEventId: id,
    code,
    description,
    notBefore: notBefore === undefined ? undefined : new Date(notBefore).toISOString(),
  })),
})

/** The set that a Describe call answers with: its element's name, and all items in the order of their ids. */
export interface DescribedSet {
  readonly element: string
  readonly items: ReadonlyArray<Xml>
}

const byKey = <K extends string, V>(found: ReadonlyMap<K, V>): ReadonlyArray<readonly [K, V]> =>
  [...found].sort(([a], [b]) => (a < b ? -1 : 1))

/** What each Describe call shows of the VPC. */
export const described: Readonly<Record<string, (vpc: SimulatedVpc) => DescribedSet>> = {
  DescribeVpcs: (vpc) => ({
    element: "vpcSet",
    items: [
      {
        vpcId: vpc.id,
        ownerId: vpc.ownerId,
        state: "available",
        cidrBlock: vpc.cidrs[0],
        cidrBlockAssociationSet: vpc.cidrs
          .filter((range) => familyOf(range) === 4)
          .map((cidrBlock) => ({ cidrBlock, cidrBlockState: { state: "associated" } })),
        ipv6CidrBlockAssociationSet: vpc.cidrs
          .filter((range) => familyOf(range) === 6)
          .map((ipv6CidrBlock) => ({ ipv6CidrBlock, ipv6CidrBlockState: { state: "associated" } })),
      },
    ],
  }),
  DescribeRouteTables: (vpc) => ({
    element: "routeTableSet",
    items: byKey(tablesOf(vpc)).map(([, table]) => tableXml(vpc, table)),
  }),
  DescribeNetworkInterfaces: (vpc) => ({
    element: "networkInterfaceSet",
    items: byKey(interfacesOf(vpc)).map(([, shown]) => interfaceXml(vpc, shown)),
  }),
  DescribeInstances: (vpc) => ({
    element: "reservationSet",
    items: byKey(vpc.instances).map(([instanceId, state]) => ({
      reservationId: instanceId.replace("i-", "r-"),
      ownerId: vpc.ownerId,
      instancesSet: [{ instanceId, vpcId: vpc.id, instanceState: { code: stateCodes[state], name: state } }],
    })),
  }),
}
