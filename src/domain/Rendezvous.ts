import type { Cidr } from "./Cidr.ts"
import type { Ip } from "./Ip.ts"
import { stableNumber } from "./StableHash.ts"

/**
 * Highest-random-weight hashing (Thaler and Ravishankar, 1998): the host with the highest score carries the CIDR. It
 * spreads CIDRs like chance does, needs no memory, and when a host goes only its own CIDRs move, over all who stay.
 */
export const score = (range: Cidr, host: Ip): number => stableNumber(`${range} ${host}`)

/** The host with the highest score, ties by address; undefined of none. */
export const highest = (range: Cidr, hosts: Iterable<Ip>): Ip | undefined => {
  let best: Ip | undefined
  let bestScore = -1
  for (const host of hosts) {
    const present = score(range, host)
    if (present > bestScore || (present === bestScore && best !== undefined && host < best)) {
      best = host
      bestScore = present
    }
  }
  return best
}
