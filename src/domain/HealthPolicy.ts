import { Data } from "effect"

/** How many of several health sources must say that a host failed: `--health-policy`. */
export type HealthPolicy = Data.TaggedEnum<{
  /** One is enough. */
  AnyFails: {}
  /** All that have a say. */
  AllFail: {}
  /** At least `count`, from 1, however many have a say. */
  Quorum: { readonly count: number }
}>
export const HealthPolicy = Data.taggedEnum<HealthPolicy>()

/** As it is given. */
export const healthPolicyWords = HealthPolicy.$match({
  AnyFails: () => "any-fails",
  AllFail: () => "all-fail",
  Quorum: ({ count }) => `quorum:${count}`,
})

/** How many failed opinions make a host failed, when `heard` sources have a say; at least 1. */
export const failuresNeeded = (policy: HealthPolicy, heard: number): number => {
  switch (policy._tag) {
    case "AnyFails":
      return 1
    case "AllFail":
      return Math.max(1, heard)
    case "Quorum":
      return policy.count
  }
}
