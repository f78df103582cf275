import { DateTime } from "effect"
import type { Millis } from "../domain/Health.ts"

/** `2026-03-01T12:00:00.000Z` */
export const isoTime = (millis: Millis): string => DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis)))

export const isoTimeOrNull = (millis: Millis | undefined): string | null =>
  millis === undefined || !Number.isFinite(millis) ? null : isoTime(millis)
