/**
 * How often a property is tried. `PROPERTY_SCALE` multiplies it (the long run sets 20). The seed is fixed, so that a
 * run repeats; `PROPERTY_SEED` sets another, and `random` lets fast-check choose. It prints the seed when it fails.
 */
export const runs = (numRuns: number): { readonly numRuns: number; readonly seed?: number } => {
  const scale = Number(process.env["PROPERTY_SCALE"] ?? "1")
  const seed = process.env["PROPERTY_SEED"] ?? "20170913"
  return { numRuns: Math.ceil(numRuns * scale), ...(seed === "random" ? {} : { seed: Number(seed) }) }
}
