/**
 * A program that asks from where it is started: `node AskFrom.ts URL QUESTIONS`, with a list of questions as JSON. Prints the
 * list of statuses, and what a 401 asks for. Tests start it inside a network namespace.
 */
import { Effect, Schema } from "effect"
import { ask } from "./Ask.ts"

const Questions = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      method: Schema.String,
      path: Schema.String,
      headers: Schema.Record(Schema.String, Schema.String),
      body: Schema.String,
    }),
  ),
)

const [, , url = "", questions] = process.argv

const answers = Effect.forEach(Schema.decodeUnknownSync(Questions)(questions), (question) =>
  Effect.map(ask(url, question), ({ headers, status }) => ({ status, challenge: headers["www-authenticate"] ?? null })),
)

void Effect.runPromise(answers).then((list) => process.stdout.write(JSON.stringify(list)))
