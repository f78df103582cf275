/**
 * A program that serves a large VPC over EC2's wire protocol, to be read: `node LargeEc2.ts TABLES ROUTES HOSTS`. Each table has as many routes to the
 * same destinations, host `n` carries the n-th. It prints its endpoint. It is a process of its own, so that its work is not the reader's.
 */
import { createServer } from "node:http"
import { type AddressInfo } from "node:net"

export const largeVpcId = "vpc-0123456789abcdef0"

/** The address of the n-th host. */
export const hostOf = (n: number): string => `10.214.${(n + 256) >> 8}.${n & 255}`

/** The n-th destination. */
export const destinationOf = (n: number): string => `10.${100 + (n >> 8)}.${n & 255}.0/24`

const hex = (prefix: string, n: number): string => `${prefix}-${n.toString(16).padStart(17, "0")}`

const tableXml = (table: number, routes: string): string =>
  `<item><routeTableId>${hex("rtb", table)}</routeTableId><vpcId>${largeVpcId}</vpcId><ownerId>123456789012</ownerId><routeSet>` +
  `<item><destinationCidrBlock>10.214.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state><origin>CreateRouteTable</origin></item>` +
  `${routes}</routeSet><associationSet>${table === 0 ? `<item><routeTableAssociationId>rtbassoc-1</routeTableAssociationId><routeTableId>${hex("rtb", 0)}</routeTableId><main>true</main><associationState><state>associated</state></associationState></item>` : ""}</associationSet>` +
  `<propagatingVgwSet/><tagSet><item><key>Name</key><value>table ${table}</value></item></tagSet></item>`

const routeXml = (n: number, hosts: number): string =>
  `<item><destinationCidrBlock>${destinationOf(n)}</destinationCidrBlock><instanceId>${hex("i", n % hosts)}</instanceId><instanceOwnerId>123456789012</instanceOwnerId>` +
  `<networkInterfaceId>${hex("eni", n % hosts)}</networkInterfaceId><state>active</state><origin>CreateRoute</origin></item>`

const interfaceXml = (n: number): string =>
  `<item><networkInterfaceId>${hex("eni", n)}</networkInterfaceId><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>${largeVpcId}</vpcId>` +
  `<availabilityZone>us-east-1${"abc"[n % 3]}</availabilityZone><description/><ownerId>123456789012</ownerId><requesterManaged>false</requesterManaged><status>in-use</status>` +
  `<macAddress>02:00:00:00:00:01</macAddress><privateIpAddress>${hostOf(n)}</privateIpAddress><privateDnsName>ip-${n}.ec2.internal</privateDnsName><sourceDestCheck>false</sourceDestCheck>` +
  `<groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>routers</groupName></item></groupSet>` +
  `<attachment><attachmentId>eni-attach-${n}</attachmentId><instanceId>${hex("i", n)}</instanceId><instanceOwnerId>123456789012</instanceOwnerId><deviceIndex>0</deviceIndex><status>attached</status></attachment>` +
  `<tagSet/><privateIpAddressesSet><item><privateIpAddress>${hostOf(n)}</privateIpAddress><primary>true</primary></item></privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType></item>`

const instanceXml = (n: number): string =>
  `<item><reservationId>r-${n}</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet><item><instanceId>${hex("i", n)}</instanceId><imageId>ami-1</imageId>` +
  `<instanceState><code>16</code><name>running</name></instanceState><privateDnsName>ip-${n}.ec2.internal</privateDnsName><instanceType>c7gn.large</instanceType><launchTime>2026-11-01T00:00:00.000Z</launchTime>` +
  `<placement><availabilityZone>us-east-1a</availabilityZone><tenancy>default</tenancy></placement><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>${largeVpcId}</vpcId>` +
  `<privateIpAddress>${hostOf(n)}</privateIpAddress><sourceDestCheck>false</sourceDestCheck><tagSet><item><key>Name</key><value>router ${n}</value></item></tagSet>` +
  `<networkInterfaceSet><item><networkInterfaceId>${hex("eni", n)}</networkInterfaceId><privateIpAddress>${hostOf(n)}</privateIpAddress></item></networkInterfaceSet></item></instancesSet></item>`

const vpcXml = `<item><vpcId>${largeVpcId}</vpcId><ownerId>123456789012</ownerId><state>available</state><cidrBlock>10.214.0.0/16</cidrBlock></item>`

const serve = (tables: number, routes: number, hosts: number) => {
  const list = (count: number, item: (n: number) => string) => Array.from({ length: count }, (_, n) => item(n))
  const routeSet = list(routes, (n) => routeXml(n, hosts)).join("")
  const sets: Readonly<Record<string, { readonly element: string; readonly items: ReadonlyArray<string> }>> = {
    DescribeVpcs: { element: "vpcSet", items: [vpcXml] },
    DescribeRouteTables: { element: "routeTableSet", items: list(tables, (n) => tableXml(n, routeSet)) },
    DescribeNetworkInterfaces: { element: "networkInterfaceSet", items: list(hosts, interfaceXml) },
    DescribeInstances: { element: "reservationSet", items: list(hosts, instanceXml) },
  }
  const server = createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (text: string) => (body += text))
    request.on("end", () => {
      const form = new URLSearchParams(body)
      const action = form.get("Action") ?? ""
      const set = sets[action]
      response.setHeader("content-type", "text/xml;charset=UTF-8")
      if (set === undefined) {
        response.statusCode = 400
        response.end(
          "<Response><Errors><Error><Code>InvalidAction</Code><Message>unknown</Message></Error></Errors></Response>",
        )
        return
      }
      const from = Number(form.get("NextToken") ?? 0)
      const to = from + Number(form.get("MaxResults") ?? (action === "DescribeRouteTables" ? 100 : 1_000))
      const next = to < set.items.length ? `<nextToken>${to}</nextToken>` : ""
      response.end(
        `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>` +
          `<${set.element}>${set.items.slice(from, to).join("")}</${set.element}>${next}</${action}Response>`,
      )
    })
  })
  // A client that is held up for long shall find its connections as it left them.
  server.keepAliveTimeout = 600_000
  server.listen(0, "127.0.0.1", () => {
    const address: AddressInfo | string | null = server.address()
    if (address !== null && typeof address === "object") process.stdout.write(`http://127.0.0.1:${address.port}\n`)
  })
}

const [, program, tables, routes, hosts] = process.argv
if (program?.endsWith("LargeEc2.ts") === true) serve(Number(tables), Number(routes), Number(hosts))
