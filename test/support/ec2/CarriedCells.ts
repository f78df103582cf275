import { Result } from "effect"
import type { Vpc } from "../../../src/domain/Vpc.ts"
import { decodeTopology, type Topology } from "../../../src/services/ec2/Topology.ts"

/** How many cells are to be moved when the victim dies, and how many are to be repaired from the start on. */
export interface Amounts {
  /** A multiple of ten: as many in each of the ten tables. */
  readonly cells: number
  /** A multiple of four. */
  readonly repairs?: number
}

export const vpcId = "vpc-0123456789abcdef0"
export const hostRange = "10.214.0.0/16"
export const hosts = Array.from({ length: 10 }, (_, n) => `10.214.0.${n + 1}`)
/** Carries the cells that are to be moved; nobody else carries a cell of theirs. */
export const [victim = "", heir = ""] = hosts
const [, , firstOther = "", secondOther = ""] = hosts

export const interfaceOf = (host: string): string => `eni-${host.split(".").at(-1)}`

const tables = Array.from({ length: 10 }, (_, n) => `rtb-${n}`)

/** Destinations whose cells are as they should be. */
const settled = Array.from({ length: 5 }, (_, n) => `10.99.${n}.0/24`)
const carried = ({ cells }: Amounts) => Array.from({ length: cells / tables.length }, (_, n) => `10.66.${n}.0/24`)

/** Most tables name one host; in these four stands another one. */
const strayIn = tables.slice(6)
const torn = ({ repairs = 0 }: Amounts) =>
  Array.from({ length: repairs / strayIn.length }, (_, n) => `10.${67 + (n >> 8)}.${n & 255}.0/24`)

export const specOf = (amounts: Amounts): Readonly<Record<string, ReadonlyArray<string>>> =>
  Object.fromEntries([...carried(amounts), ...torn(amounts), ...settled].map((range) => [range, hosts]))

/** The writes that the victim's death takes, as parameters of ReplaceRoute. */
export const movesOf = (amounts: Amounts) =>
  tables.flatMap((RouteTableId) =>
    carried(amounts).map((DestinationCidrBlock) => ({
      RouteTableId,
      DestinationCidrBlock,
      NetworkInterfaceId: interfaceOf(heir),
    })),
  )

/** Ten tables and ten hosts, on an EC2 whose calls take a tenth of a second. */
export const topologyOf = (amounts: Amounts): Topology =>
  Result.getOrThrow(
    decodeTopology({
      vpc: { id: vpcId, cidrs: [hostRange] },
      subnets: [{ id: "subnet-1", zone: "us-east-1a", cidrs: [hostRange] }],
      hosts: hosts.map((host, n) => ({ interface: interfaceOf(host), instance: `i-${n + 1}`, addresses: [host] })),
      tables: tables.map((id, n) => {
        const other = strayIn.includes(id) ? secondOther : firstOther
        return {
          id,
          main: n === 0,
          routes: [
            ...carried(amounts).map((destination) => ({ destination, target: interfaceOf(victim) })),
            ...torn(amounts).map((destination) => ({ destination, target: interfaceOf(other) })),
            ...settled.map((destination) => ({ destination, target: interfaceOf(firstOther) })),
          ],
        }
      }),
      latencyMillis: 100,
    }),
  )

/** How many routes lead to a host. */
export const routesTo = (vpc: Vpc, host: string): number =>
  [...vpc.tables.values()]
    .flatMap(({ routes }) => routes)
    .filter(({ target }) => target._tag === "Interface" && target.interfaceId === interfaceOf(host)).length
