import { spawn } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { scopedChild } from "../../support/process/Children.ts"
import { ToolFailed } from "../../support/netns/Tools.ts"
import { cable, type Namespace, namespace } from "../../support/netns/Namespaces.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const serve = fileURLToPath(new URL("ServeScripted.ts", import.meta.url))
const ask = fileURLToPath(new URL("AskFrom.ts", import.meta.url))
const Answers = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Array(Schema.Struct({ status: Schema.Int, challenge: Schema.NullOr(Schema.String) }))),
)

interface Question {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
}

const json = { "content-type": "application/json" }
const write = (headers: Record<string, string> = {}): Question => ({
  method: "POST",
  path: "/route_spec",
  headers: { ...json, ...headers },
  body: "{}",
})
const token = (text: string) => write({ authorization: `Bearer ${text}` })
const look = (path: string, headers: Record<string, string> = {}): Question => ({
  method: "GET",
  path,
  headers,
  body: "",
})

const tokenFile = Effect.map(temporaryFolder, (folder) => {
  const file = join(folder, "token")
  writeFileSync(file, "s3cret-token\n")
  return file
})

/** Serves inside a namespace, and gives the port. */
const serveIn = Effect.fnUntraced(function* (inside: Namespace, options: object) {
  const shown = JSON.stringify({ allowUnauthenticatedWrites: false, ...options })
  const args = ["netns", "exec", inside.name, process.execPath, "--no-warnings", serve, shown]
  const child = yield* scopedChild(() => spawn("ip", args, { stdio: ["ignore", "pipe", "inherit"] }))
  return yield* Effect.callback<string, ToolFailed>((resume) => {
    const fail = (message: string) => resume(Effect.fail(new ToolFailed({ message })))
    child.once("error", ({ message }) => fail(message))
    child.once("exit", (code) => fail(`the server ended with ${code}`))
    createInterface(child.stdout).once("line", (url) => resume(Effect.succeed(new URL(url).port)))
  }).pipe(Effect.timeout("20 seconds"))
})

/** Asks from inside a namespace, and gives the statuses of the answers. */
const askFrom = Effect.fnUntraced(function* (inside: Namespace, url: string, questions: ReadonlyArray<Question>) {
  const said = yield* inside.exec(process.execPath, "--no-warnings", ask, url, JSON.stringify(questions))
  const answers = yield* Answers(said)
  for (const { challenge, status } of answers) {
    assert.strictEqual(challenge, status === 401 ? 'Bearer realm="vpc-router"' : null)
  }
  return answers.map(({ status }) => status)
})

/** A machine that serves on all its addresses, IPv4 and IPv6, and another machine beside it. */
const neighbours = Effect.fnUntraced(function* (options: object) {
  const server = yield* namespace()
  const other = yield* namespace()
  yield* cable(server, other, "net0", 77)
  const port = yield* serveIn(server, { address: "::", ...options })
  return {
    /** The other machine asks. */
    other: (questions: ReadonlyArray<Question>) => askFrom(other, `http://10.215.77.1:${port}`, questions),
    other6: (questions: ReadonlyArray<Question>) => askFrom(other, `http://[fd00:215:77::1]:${port}`, questions),
    /** The machine itself asks. */
    itself: (questions: ReadonlyArray<Question>) => askFrom(server, `http://127.0.0.1:${port}`, questions),
    itself6: (questions: ReadonlyArray<Question>) => askFrom(server, `http://[::1]:${port}`, questions),
  }
})

const steering = ["/held/00c0ffee00c0ffee/confirm", "/simulation/hosts/10.33.20.93/fail", "/no-such-path"].map(
  (path): Question => ({ method: "POST", path, headers: {}, body: "" }),
)

describe("a writer on another machine", () => {
  it.live("is refused where no token is configured, whatever it claims; it may look, and loopback may write", () =>
    Effect.gen(function* () {
      const { itself, itself6, other, other6 } = yield* neighbours({})
      const claims = [
        write(),
        token("anything"),
        write({ "x-forwarded-for": "127.0.0.1" }),
        write({ forwarded: "for=127.0.0.1" }),
        write({ "x-real-ip": "127.0.0.1", host: "localhost" }),
        ...steering,
      ]
      assert.deepStrictEqual(yield* other(claims), [403, 403, 403, 403, 403, 403, 403, 403])
      assert.deepStrictEqual(yield* other6([write(), token("anything")]), [403, 403])
      const looks = [look("/status"), look("/healthz"), look("/status", { host: "evil.example" })]
      assert.deepStrictEqual(yield* other(looks), [200, 200, 421])
      assert.deepStrictEqual(yield* other6(looks), [200, 200, 421])
      assert.deepStrictEqual(yield* itself([write()]), [200])
      assert.deepStrictEqual(yield* itself6([write()]), [200])
    }).pipe(Effect.scoped),
  )

  it.live("needs exactly the token of the file, and a changed file counts at once", () =>
    Effect.gen(function* () {
      const file = yield* tokenFile
      const { itself, other, other6 } = yield* neighbours({ tokenFile: file })
      const wrong = ["s3cret-toke", "s3cret-token1", "S3CRET-TOKEN", "", "s3cret-token,s3cret-token"].map(token)
      const basic = write({ authorization: "Basic s3cret-token" })
      assert.deepStrictEqual(yield* other([write(), ...wrong, basic]), [401, 401, 401, 401, 401, 401, 401])
      assert.deepStrictEqual(yield* other([token("s3cret-token"), look("/status")]), [200, 200])
      assert.deepStrictEqual(yield* other6([write(), token("s3cret-token")]), [401, 200])
      assert.deepStrictEqual(yield* itself([write()]), [200])
      writeFileSync(file, "another\n")
      assert.deepStrictEqual(yield* other([token("s3cret-token"), token("another")]), [401, 200])
      writeFileSync(file, "")
      assert.deepStrictEqual(yield* other([token("another"), token("")]), [401, 401])
      rmSync(file)
      assert.deepStrictEqual(yield* other([token("another")]), [401])
    }).pipe(Effect.scoped),
  )

  it.live(
    "is let in without a token only where the operator said so, and then still only with JSON and no foreign page",
    () =>
      Effect.gen(function* () {
        const { other } = yield* neighbours({ allowUnauthenticatedWrites: true })
        const asked = [
          write(),
          write({ "content-type": "text/plain" }),
          write({ origin: "http://evil.example" }),
          write({ host: "evil.example" }),
        ]
        assert.deepStrictEqual(yield* other(asked), [200, 415, 403, 421])
      }).pipe(Effect.scoped),
  )
})
