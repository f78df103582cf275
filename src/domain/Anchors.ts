import { compareText } from "./Action.ts"
import type { Millis, Verdict } from "./Health.ts"
import type { Ip } from "./Ip.ts"
import { stableHex } from "./StableHash.ts"

/** What a source says of an anchor: an address that carries no routes, and shows whether the monitor hears anybody. */
export interface AnchorVerdict {
  /** The source that watches it, as in `--health`. */
  readonly source: string
  readonly anchor: Ip
  readonly verdict: Verdict
}

/** An anchor of one source. */
export interface Anchor extends AnchorVerdict {
  /** It has answered, and the operator did not set it aside since. */
  readonly counts: boolean
}

/** By source and address. */
export type Anchors = ReadonlyMap<string, Anchor>

const keyOf = ({ source, anchor }: AnchorVerdict): string => `${source} ${anchor}`

/** Since when an anchor is silent: it failed, or misses probes at present. */
const silentSince = (verdict: Verdict): Millis | undefined => {
  switch (verdict._tag) {
    case "Healthy":
      return verdict.silentSince
    case "Failed":
      return verdict.silentSince ?? verdict.since
    case "Unknown":
    case "Unwatched":
      return undefined
  }
}

const answers = ({ verdict }: Anchor): boolean => verdict._tag === "Healthy" && verdict.silentSince === undefined

export type AnchorState = "answering" | "silent" | "unknown"

/** What is known of an anchor at present. */
export const anchorState = (anchor: Anchor): AnchorState =>
  answers(anchor) ? "answering" : silentSince(anchor.verdict) === undefined ? "unknown" : "silent"

/** After news of them. An anchor counts from its first answer on. */
export const anchorsAfter = (anchors: Anchors, news: ReadonlyArray<AnchorVerdict>): Anchors => {
  const after = new Map(anchors)
  for (const one of news) {
    const counts = after.get(keyOf(one))?.counts === true
    const anchor = { ...one, counts }
    after.set(keyOf(one), answers(anchor) ? { ...anchor, counts: true } : anchor)
  }
  return after
}

/** The operator says that those which are silent do not count until they answer again. */
export const setAside = (anchors: Anchors): Anchors =>
  new Map([...anchors].map(([key, anchor]) => [key, answers(anchor) ? anchor : { ...anchor, counts: false }]))

/** All of them, in a fixed order. */
export const listAnchors = (anchors: Anchors): ReadonlyArray<Anchor> =>
  [...anchors.values()].sort((a, b) => compareText(a.anchor, b.anchor) || compareText(a.source, b.source))

/** Addresses that count with no source: none has had an answer from them, or the operator set them aside since. Sorted. */
export const withoutSay = (anchors: Anchors): ReadonlyArray<Ip> => {
  const counting = new Set([...anchors.values()].flatMap(({ anchor, counts }) => (counts ? [anchor] : [])))
  const all = new Set([...anchors.values()].map(({ anchor }) => anchor))
  return [...all].filter((anchor) => !counting.has(anchor)).sort(compareText)
}

/** This monitor is cut off: nobody that it should hear is heard. */
export interface CutOff {
  /** When the first probe was sent that no anchor answered. */
  readonly since: Millis
  /** How many anchors count. */
  readonly anchors: number
  /** All of them failed, and do not merely miss probes. */
  readonly isCertain: boolean
  /** Stands for this cut and the anchors that count. */
  readonly hash: string
}

/**
 * Begins when all anchors that count are silent, and ends only when one of them answers, or none counts any more: an anchor
 * of which nothing can be told (its source is down) begins nothing and ends nothing.
 */
export const cutOffAfter = (before: CutOff | undefined, anchors: Anchors): CutOff | undefined => {
  const counting = [...anchors.values()].filter(({ counts }) => counts)
  if (counting.length === 0 || counting.some(answers)) return undefined
  const silences = counting.map(({ verdict }) => silentSince(verdict)).filter((since) => since !== undefined)
  if (before === undefined && silences.length === 0) return undefined
  const since = before?.since ?? Math.min(...silences)
  const names = counting.map(keyOf).sort(compareText).join(", ")
  const isCertain = counting.every(({ verdict }) => verdict._tag === "Failed") || before?.isCertain === true
  return { since, anchors: counting.length, isCertain, hash: stableHex(`cut off ${since} ${names}`) }
}
