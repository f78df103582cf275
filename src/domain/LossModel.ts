import type { Millis } from "./Health.ts"

/**
 * Packets of a path that works get lost in bursts: the Gilbert–Elliott model in continuous time (Gilbert 1960, Elliott 1963).
 * A path is good or bad, for times that are exponentially distributed, and loses a share of its packets in each state.
 */
export interface LossModel {
  /** Mean time between the beginnings of two bad spells of one path, and the mean length of one. */
  readonly every: Millis
  readonly lasts: Millis
  /** The share of packets (there and back together) that is lost in a good and in a bad spell, 0 to 1. */
  readonly lossWhenGood: number
  readonly lossWhenBad: number
}

/**
 * What the number of confirmations is reckoned with; fixed before anything was measured by it.
 *
 * Overall it loses 2.4 packets in 100,000. Pingmesh (Guo et al., SIGCOMM 2015) found 1 to 10 in 100,000 within and between
 * data centres, and that a loss makes the next far likelier. Half lost in a bad spell is Gilbert's own assumption. Losses on
 * the Internet are correlated for up to 1,000 ms (Yajnik et al., INFOCOM 1999); inside a region paths are shorter and their
 * queues, too, so a spell is taken to last a tenth of that: longer than any queue drains, as when a switch changes its path.
 */
export const assumedLoss: LossModel = { every: 3_600_000, lasts: 100, lossWhenGood: 1e-5, lossWhenBad: 0.5 }

/** The chance that all probes sent at these times (ascending) are lost, at any moment of a path that works. */
export const allLost = (model: LossModel, times: ReadonlyArray<Millis>): number => {
  const { every, lasts, lossWhenBad, lossWhenGood } = model
  const shareBad = lasts / every
  // The state of the path and "all lost so far", together; between probes it relaxes towards its stationary shares.
  let good = 1 - shareBad
  let bad = shareBad
  let before: Millis | undefined
  for (const at of times) {
    const kept = before === undefined ? 1 : Math.exp((before - at) * (1 / lasts + 1 / (every - lasts)))
    const all = good + bad
    bad = all * shareBad + (bad - all * shareBad) * kept
    good = all - bad
    bad *= lossWhenBad
    good *= lossWhenGood
    before = at
  }
  return good + bad
}
