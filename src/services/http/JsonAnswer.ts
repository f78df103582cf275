import { Clock, Effect, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { Millis } from "../../domain/Health.ts"
import { nowUnsafe } from "../Now.ts"
import type { Turns } from "../Turns.ts"
import { jsonPieces } from "./LazyJson.ts"

/** How much is written at a stretch: some 32 KiB, for at most so long. */
const stretch = { characters: 32 * 1024, millis: 3 }

/** How long a client may take to read an answer. What the answer is about is kept in memory meanwhile. */
const patience: Millis = 60_000

class TooSlow extends Error {
  override readonly name = "TooSlow"
}

/** Answers with JSON that is made in turns, as fast as the client reads it. */
export const jsonAnswer = Effect.fnUntraced(function* (turns: Turns, json: unknown) {
  const clock = yield* Clock.Clock
  const until = nowUnsafe(clock) + patience
  const pieces = jsonPieces(json)
  const next = (): string => {
    const stop = nowUnsafe(clock) + stretch.millis
    let text = ""
    for (const piece of { [Symbol.iterator]: () => ({ next: () => pieces.next() }) }) {
      text += piece
      if (text.length >= stretch.characters || nowUnsafe(clock) >= stop) break
    }
    return text
  }
  const chunks = Stream.unfold(undefined, () =>
    nowUnsafe(clock) > until
      ? Effect.die(new TooSlow("the client took too long to read the answer"))
      : Effect.map(turns.take(next), (text) => (text === "" ? undefined : ([text, undefined] as const))),
  )
  return HttpServerResponse.stream(Stream.encodeText(chunks), { contentType: "application/json" })
})
