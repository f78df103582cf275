import type { Cidr } from "./Cidr.ts"
import type { Ip } from "./Ip.ts"
import { stableNumber } from "./StableHash.ts"

/**
 * Highest-random-weight hashing (Thaler and Ravishankar, 1998): the host with the highest score carries the CIDR. It
 * spreads CIDRs like chance does, needs no memory, and when a host goes only its own CIDRs move, over all who stay.
 */
export const score = (range: Cidr, host: Ip): number => stableNumber(`${range} ${host}`)
