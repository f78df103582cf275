import type { EC2Client } from "@aws-sdk/client-ec2"
import { Predicate } from "effect"
import { readBody } from "../AnswerBody.ts"

/** A 200 without EC2's word that the write was done, as a proxy may give it: whether it was done, a reading shows. */
class UnconfirmedAnswer extends Error {
  override readonly name = "UnconfirmedAnswer"
  readonly $metadata = { httpStatusCode: 200 }
}

/** Bytes of an answer to a write. EC2's have some hundreds, refusals with an encoded message a few thousand. */
const answerLimit = 64 * 1_024

const writes = ["CreateRoute", "ReplaceRoute", "DeleteRoute"]

/** EC2 answers a write with an element of its name, and `true` in it where it says anything. */
const confirms = (operation: string, body: string): boolean => {
  const told = /<return>\s*(\w*)\s*<\/return>/.exec(body)?.[1]
  return body.includes(`<${operation}Response`) && (told ?? "true") === "true"
}

const isAnswer = (response: unknown): response is { body: unknown; readonly statusCode: number } =>
  Predicate.hasProperty(response, "body") &&
  Predicate.hasProperty(response, "statusCode") &&
  Predicate.isNumber(response.statusCode)

/** Has the client's route writes fail unless EC2's answer says that they were done. The SDK itself looks at the status only. */
export const confirmWrites = (client: EC2Client): void =>
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const answered = await next(args)
        const { response } = answered
        const operation = writes.find((write) => commandName === `${write}Command`)
        if (operation === undefined || !isAnswer(response)) return answered
        const body = Buffer.from(await readBody(response.body, answerLimit))
        // Below 300 is what the SDK, too, takes for a success.
        if (response.statusCode < 300 && !confirms(operation, body.toString()))
          throw new UnconfirmedAnswer("an answer that does not say that the write was done")
        response.body = body
        return answered
      },
    // Before the SDK's own reading of the answer, which is of normal priority.
    { name: "confirmWrites", step: "deserialize", priority: "low" },
  )
