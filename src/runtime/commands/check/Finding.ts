/** `skip`: not looked at, and why. */
export type Level = "ok" | "warn" | "fail" | "skip"

/** One thing that was looked at. */
export interface Finding {
  readonly level: Level
  /** What it is about: a table, a host, a permission. */
  readonly about: string
  readonly words: string
}

export const ok = (about: string, words: string): Finding => ({ level: "ok", about, words })
export const warn = (about: string, words: string): Finding => ({ level: "warn", about, words })
export const fail = (about: string, words: string): Finding => ({ level: "fail", about, words })
export const skip = (about: string, words: string): Finding => ({ level: "skip", about, words })
