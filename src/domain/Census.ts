import type { Verdict } from "./Health.ts"

/** How many hosts of the spec are healthy: those that answer, and those that miss probes at present. */
export interface Census {
  readonly answering: number
  readonly silent: number
}

export const nobody: Census = { answering: 0, silent: 0 }

const counted = ({ answering, silent }: Census, verdict: Verdict | undefined, by: 1 | -1): Census => {
  if (verdict?._tag !== "Healthy") return { answering, silent }
  return verdict.silentSince === undefined ? { answering: answering + by, silent } : { answering, silent: silent + by }
}

/** After one host's verdict changed. */
export const recounted = (census: Census, before: Verdict | undefined, after: Verdict | undefined): Census =>
  counted(counted(census, before, -1), after, 1)

/** Of these verdicts. */
export const censusOf = (verdicts: Iterable<Verdict>): Census => {
  let census = nobody
  for (const verdict of verdicts) census = counted(census, verdict, 1)
  return census
}
