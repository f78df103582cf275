import { Deferred, Effect, Result } from "effect"
import { HttpServerRequest } from "effect/http"
import fc from "fast-check"
import { decodeRouteSpec } from "../../../src/domain/DecodeRouteSpec.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { daemonClient } from "../../../src/runtime/commands/DaemonClient.ts"
import { hostOf, isSameOrigin } from "../../../src/services/http/Authority.ts"
import { bearerOf } from "../../../src/services/http/BearerToken.ts"
import { jsonText } from "../../../src/services/http/RequestBody.ts"
import * as HttpProbe from "../../../src/services/health/HttpProbe.ts"
import { checksum, decodeReply, encodeRequest } from "../../../src/services/health/IcmpPacket.ts"
import { someStatus } from "../../integration/http/Scripted.ts"
import { bytesOf, type Decoder, orNothing, textOf, told } from "./Decoder.ts"
import { specFile } from "./SpecFiles.ts"

/** A reply as a raw socket delivers it: IPv4 with its header, with options or without; IPv6 without. */
const echoReply = (family: 4 | 6) =>
  fc
    .record({
      identifier: fc.nat(0xffff),
      sequence: fc.nat(0xffff),
      cookie: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      options: fc.nat(10),
      more: fc.uint8Array({ maxLength: 8 }),
    })
    .map(({ more, options, ...echo }) => {
      const reply = Buffer.concat([encodeRequest(family, echo), more])
      reply[0] = family === 4 ? 0 : 129
      if (family === 6) return Uint8Array.from(reply)
      reply.writeUInt16BE(0, 2)
      reply.writeUInt16BE(checksum(reply), 2)
      const header = Buffer.alloc(20 + 4 * options)
      header[0] = 0x45 + options
      header[9] = 1
      return Uint8Array.from(Buffer.concat([header, reply]))
    })

const icmp = ([4, 6] as const).map((family): Decoder => ({
  name: `an ICMP packet of IPv${family}`,
  files: ["src/services/health/IcmpPacket.ts", "src/services/health/IcmpProbe.ts"],
  valid: echoReply(family),
  open: orNothing((bytes) => decodeReply(family, bytes)),
}))

const httpAnswer = fc
  .record({
    status: fc.constantFrom("200 OK", "204 No Content", "301 Moved Permanently"),
    headers: fc.subarray(["Content-Type: text/plain", "Connection: close", "Content-Length: 2", "X: y"]),
  })
  .map(({ headers, status }) => bytesOf(`HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\nok`))

const httpCheck: Decoder = {
  name: "a host's answer to an HTTP check",
  files: ["src/services/health/HttpProbe.ts"],
  costly: true,
  valid: httpAnswer,
  open: (standIn) =>
    Effect.gen(function* () {
      const host = ip("127.0.0.1")
      let heard: Deferred.Deferred<string, string> | undefined
      const tell = (outcome: Effect.Effect<string, string>): void => {
        if (heard !== undefined) Deferred.doneUnsafe(heard, outcome)
      }
      const { send } = yield* HttpProbe.make({
        port: standIn.rawPort,
        path: "/",
        statuses: [[200, 399]],
        tls: undefined,
        name: undefined,
        timeout: 1_000,
      }).open({
        replied: () => tell(Effect.succeed("replied")),
        rejected: (_, __, why) => tell(Effect.fail(`rejected: ${why}`)),
        unsent: (_, __, why) => tell(Effect.fail(`unsent: ${why}`)),
        died: (why) => tell(Effect.fail(`died: ${why}`)),
      })
      return (bytes: Uint8Array) =>
        Effect.gen(function* () {
          heard = yield* Deferred.make<string, string>()
          standIn.answerRaw(bytes)
          yield* send([{ host, sequence: 1 }])
          return yield* Effect.timeout(Deferred.await(heard), "3 seconds")
        }).pipe(told)
    }).pipe(Effect.orDie),
}

const url = "http://localhost:33289/route_spec"

const requests: ReadonlyArray<Decoder> = [
  {
    name: "a spec that is posted",
    files: ["src/services/http/RequestBody.ts", "src/services/config/HttpConfig.ts"],
    valid: specFile,
    open: () =>
      Effect.succeed((bytes) => {
        const body = Buffer.from(bytes)
        const request = new Request(url, { method: "POST", headers: { "content-type": "application/json" }, body })
        return jsonText(HttpServerRequest.fromWeb(request)).pipe(
          Effect.flatMap((text) => Effect.fromResult(decodeRouteSpec(text))),
          told,
        )
      }),
  },
  {
    name: "the headers Host, Origin and Authorization",
    files: ["src/services/http/Authority.ts", "src/services/http/ApiSecurity.ts"],
    valid: fc
      .tuple(
        fc.constantFrom("localhost", "localhost:33289", "[::1]:33289", "10.0.0.5:8080", "router.example"),
        fc.constantFrom("a.b-c_d~e+f/g==", "token"),
      )
      .map(([host, token]) => bytesOf(`${host}\nhttp://${host}\nBearer ${token}`)),
    open: orNothing((bytes) => {
      const [host = "", origin = "", authorization = ""] = textOf(bytes).split("\n")
      const isOurs = isSameOrigin(origin, host)
      const token = bearerOf(authorization)
      return hostOf(host) === undefined || !isOurs ? undefined : token
    }),
  },
]

const answers: ReadonlyArray<Decoder> = [
  {
    name: "a daemon's status, to the commands",
    files: ["src/runtime/commands/DaemonClient.ts"],
    costly: true,
    valid: fc.constant(bytesOf(JSON.stringify(someStatus))),
    open: (standIn) =>
      Effect.succeed((bytes) => {
        standIn.answerBy(() => ({ type: "application/json", body: bytes }))
        return told(daemonClient(standIn.endpoint, undefined).status)
      }),
  },
  {
    name: "a daemon's refusal, to the commands",
    files: ["src/runtime/commands/DaemonClient.ts"],
    costly: true,
    valid: fc.constant(bytesOf(JSON.stringify({ type: "about:blank", status: 409, title: "Conflict", detail: "no" }))),
    open: (standIn) =>
      Effect.succeed((bytes) => {
        standIn.answerBy(() => ({ status: 409, type: "application/problem+json", body: bytes }))
        return daemonClient(standIn.endpoint, undefined)
          .steer(ip("10.33.20.93"), "drain")
          .pipe(
            Effect.flip,
            Effect.flatMap((error) =>
              Effect.fromResult(error._tag === "DaemonRefused" ? Result.succeed(error) : Result.fail(error)),
            ),
            told,
          )
      }),
  },
]

export const networkDecoders: ReadonlyArray<Decoder> = [...icmp, httpCheck, ...requests, ...answers]
