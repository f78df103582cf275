/**
 * A program that serves the scripted control plane until it is killed: `node ServeScripted.ts OPTIONS`, with the server's
 * options as JSON. Prints its URL once it listens. Tests start it inside a network namespace.
 */
import { writeSync } from "node:fs"
import { Effect, Layer, Schema } from "effect"
import { HttpServer } from "../../../src/services/http/HttpServer.ts"
import { Script, serving } from "./Scripted.ts"

const Options = Schema.fromJsonString(
  Schema.Struct({
    address: Schema.String,
    tokenFile: Schema.UndefinedOr(Schema.String).pipe(Schema.withDecodingDefault(Effect.succeed(undefined))),
    allowUnauthenticatedWrites: Schema.Boolean,
  }),
)

const options = Schema.decodeUnknownSync(Options)(process.argv[2])
const announced = Layer.effectDiscard(Effect.map(HttpServer, ({ url }) => writeSync(1, `${url}\n`)))

void Effect.runPromise(Layer.launch(Layer.provide(announced, serving(new Script(), options))))
