import type { Cidr } from "../../../src/domain/Cidr.ts"
import type { Ip } from "../../../src/domain/Ip.ts"
import { score } from "../../../src/domain/Rendezvous.ts"

/** Of hosts that are alike in all else, the one that gets the destination. */
export const highest = (range: Cidr, hosts: ReadonlyArray<Ip>): Ip | undefined =>
  [...hosts].sort((a, b) => score(range, b) - score(range, a))[0]
