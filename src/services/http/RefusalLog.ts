import { Effect } from "effect"
import type { Millis } from "../../domain/Health.ts"
import { now } from "../Now.ts"
import type { Visitor } from "./ApiSecurity.ts"

/** Whoever is refused may ask again at any rate: one line of a kind in this time, with how many there were. */
const repeatEvery: Millis = 5 * 60_000

/** Refusals of one kind since the last line about them. */
interface Told {
  readonly at: Millis
  readonly since: number
}

/** Why a writer is not taken for one who may write, and from where it asks; undefined: not known. */
type Refused = Pick<Visitor, "method" | "remoteAddress"> & {
  readonly url: string
  readonly refusal: { readonly _tag: string; readonly detail?: string | undefined }
}

const kinds: ReadonlySet<string> = new Set(["Unauthorized", "Forbidden"])

/**
 * Logs requests that were refused because of who asked (401 and 403): at once, and then at most every five minutes for each
 * kind, with how many there were meanwhile. What a request says of itself is not repeated, but for its method and path.
 */
export const makeRefusalLog = () => {
  const told = new Map<string, Told>()
  return Effect.fnUntraced(function* ({ method, refusal, remoteAddress, url }: Refused) {
    if (!kinds.has(refusal._tag)) return
    const why = refusal.detail ?? refusal._tag
    const at = yield* now
    const last = told.get(why)
    if (last !== undefined && at - last.at < repeatEvery) {
      told.set(why, { ...last, since: last.since + 1 })
      return
    }
    told.set(why, { at, since: 0 })
    const path = url.split("?", 1)[0]?.slice(0, 100) ?? ""
    const before = last === undefined || last.since === 0 ? "" : `; ${last.since} more since it was last said`
    yield* Effect.logWarning(
      `refused: ${method} ${path} from ${remoteAddress ?? "an unknown address"}: ${why}${before}`,
    )
  })
}
