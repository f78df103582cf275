// The marks: never colour alone.

/** @import { CellStanding } from "../../../domain/CellStanding.ts" */

/**
 * @typedef {object} Standing
 * @property {string} mark shown before the host
 * @property {string} words said aloud, and in the legend
 * @property {"good" | "bad" | "warn" | "quiet"} kind
 */

/** @type {Readonly<Record<CellStanding, Standing>>} */
export const standings = {
  healthy: { mark: "✓", words: "healthy", kind: "good" },
  failed: { mark: "✕", words: "failed host", kind: "bad" },
  blackhole: { mark: "⊘", words: "blackhole", kind: "bad" },
  stray: { mark: "≠", words: "leads to none of the spec's hosts", kind: "warn" },
  unproven: { mark: "?", words: "not proven healthy", kind: "warn" },
  drained: { mark: "‖", words: "drained host", kind: "warn" },
  missing: { mark: "–", words: "no route", kind: "warn" },
  unlisted: { mark: "∗", words: "not in the spec", kind: "warn" },
  foreign: { mark: "○", words: "not ours, never touched", kind: "quiet" },
  empty: { mark: "", words: "nothing", kind: "quiet" },
}

/** Worst first, for a row as a whole and for the legend. */
export const bySeverity = /** @type {ReadonlyArray<CellStanding>} */ ([
  "blackhole",
  "failed",
  "stray",
  "missing",
  "unlisted",
  "drained",
  "unproven",
  "healthy",
  "foreign",
  "empty",
])
