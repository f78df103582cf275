import * as Http from "node:http"
import { connect, type Socket } from "node:net"
import { assert } from "@effect/vitest"
import { Effect, Schema, type Scope } from "effect"

export interface Question {
  readonly method?: string
  readonly path?: string
  readonly headers?: Http.OutgoingHttpHeaders
  /** A list is sent chunk by chunk, without Content-Length. */
  readonly body?: string | Uint8Array | ReadonlyArray<string>
  readonly localAddress?: string
  readonly agent?: Http.Agent
}

export interface Answer {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly text: string
}

const isList = (body: Question["body"]): body is ReadonlyArray<string> => Array.isArray(body)

/** One request over real HTTP, by a client that sends what it is told to. */
export const ask = (url: string, question: Question = {}): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const { agent, body, headers, localAddress, method = "GET", path = "/" } = question
    const { hostname, port } = new URL(url)
    const request = Http.request({
      host: hostname.replace(/^\[|\]$/g, ""),
      port,
      path,
      method,
      agent: agent ?? false,
      ...(headers === undefined ? {} : { headers }),
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    let answered = false
    request.on("response", (response) => {
      answered = true
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        ),
      )
    })
    // A refused upload may be cut off after the answer has come.
    request.on("error", (error) => (answered ? undefined : resume(Effect.fail(error))))
    if (isList(body)) {
      for (const chunk of body) request.write(chunk)
      request.end()
    } else request.end(body)
    return Effect.sync(() => request.destroy())
  })

/** The JSON of an answer. */
export const read = ({ text }: Answer): unknown => JSON.parse(text)

/** The JSON of an answer, which must be of this shape. */
export const readAs = <A>(shape: Schema.Codec<A, unknown>, answer: Answer): A =>
  Schema.decodeUnknownSync(shape)(read(answer))

const Problem = Schema.Struct({ type: Schema.String, status: Schema.Int, title: Schema.String, detail: Schema.String })

/** Asserts that the answer is a problem of RFC 9457 with this status, and gives its detail. */
export const problem = (answer: Answer, status: number): string => {
  assert.strictEqual(answer.status, status, answer.text)
  assert.strictEqual(answer.headers["content-type"], "application/problem+json")
  const body = readAs(Problem, answer)
  assert.strictEqual(body.type, "about:blank")
  assert.strictEqual(body.status, status)
  return body.detail
}

/** A connection that says exactly what it is told to. `heard` is everything that came back once the other side hung up. */
export interface Line {
  readonly say: (text: string) => Effect.Effect<void>
  readonly heard: Effect.Effect<string>
}

const open = (url: string): Effect.Effect<Socket, Error> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.once("error", (error) => resume(Effect.fail(error)))
    socket.once("connect", () => resume(Effect.succeed(socket)))
  })

/** Connects. A `deaf` client never reads what comes. */
export const line = Effect.fnUntraced(function* (
  url: string,
  { deaf = false }: { readonly deaf?: boolean } = {},
): Effect.fn.Return<Line, Error, Scope.Scope> {
  const socket = yield* Effect.acquireRelease(open(url), (socket) => Effect.sync(() => socket.destroy()))
  let text = ""
  if (deaf) socket.pause()
  else socket.on("data", (chunk) => (text += chunk.toString()))
  socket.on("error", () => undefined)
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(text)))
  return {
    say: (words) => Effect.sync(() => void socket.write(words)),
    heard: Effect.promise(() => closed),
  }
})
