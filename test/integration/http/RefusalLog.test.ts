import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { tokenCheck } from "../../../src/services/http/BearerToken.ts"
import { Forbidden, NotFound, Unauthorized } from "../../../src/services/http/Problems.ts"
import { makeRefusalLog } from "../../../src/services/http/RefusalLog.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

/** Runs with a log of its own, and gives its lines. */
const logged = <A, E, R>(use: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  return use(lines).pipe(Effect.provide(Logger.layer([logger])))
}

const post = { method: "POST", url: "/route_spec?x=secret", remoteAddress: "10.0.0.5" }
const wrong = new Unauthorized({ detail: "the bearer token is not the right one" })

describe("who is refused", () => {
  it.effect("is logged at once, and then every five minutes with how many there were, for each reason", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const log = makeRefusalLog()
        for (let time = 0; time < 1_000; time++) yield* log({ ...post, refusal: wrong })
        yield* log({ ...post, refusal: new Forbidden({ detail: "pages of another site may not write" }) })
        yield* log({ ...post, refusal: new NotFound({ detail: "nothing here" }) })
        assert.deepStrictEqual(lines, [
          "Warn refused: POST /route_spec from 10.0.0.5: the bearer token is not the right one",
          "Warn refused: POST /route_spec from 10.0.0.5: pages of another site may not write",
        ])
        yield* TestClock.adjust("6 minutes")
        yield* log({ ...post, refusal: wrong })
        assert.strictEqual(lines.length, 3)
        assert.match(lines[2] ?? "", /the right one; 999 more since it was last said$/)
      }),
    ),
  )
})

describe("a token file that goes away", () => {
  it.effect("is logged when somebody asks, at most every five minutes, and when it is back", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const file = join(yield* temporaryFolder, "token")
        writeFileSync(file, "secret\n")
        const check = yield* tokenCheck(file)
        assert.isTrue(yield* check("secret"))
        rmSync(file)
        for (let time = 0; time < 10; time++) assert.isFalse(yield* check("secret"))
        assert.deepStrictEqual(lines, [
          `Warn --token-file: ${file}: no such file; until that is mended, writes from other machines are refused`,
        ])
        yield* TestClock.adjust("6 minutes")
        assert.isFalse(yield* check("secret"))
        assert.strictEqual(lines.length, 2)
        writeFileSync(file, "secret\n")
        for (let time = 0; time < 3; time++) assert.isTrue(yield* check("secret"))
        assert.deepStrictEqual(lines.slice(2), [`Info --token-file: ${file} can be read again`])
      }),
    ).pipe(Effect.provide(NodeFileSystem.layer)),
  )
})
