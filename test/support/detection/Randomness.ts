/** Numbers in [0, 1) from a seed, the same in every run: mulberry32. */
export const randomness = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** An exponentially distributed time. */
export const exponential = (random: () => number, mean: number): number => -mean * Math.log(1 - random())
