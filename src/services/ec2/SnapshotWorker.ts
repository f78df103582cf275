// The thread that reads large VPCs: parsing EC2's XML takes seconds for 200,000 routes, in which nothing else would run. It lives for one reading, and
// answers one ask at a time.
import { readlinkSync } from "node:fs"
import { constants, setPriority } from "node:os"
import { basename } from "node:path"
import { parentPort, workerData } from "node:worker_threads"
import { Effect, Exit, Predicate } from "effect"
import { VpcId } from "../../domain/Ids.ts"
import { makeClient } from "./AwsClient.ts"
import { Ec2Error } from "./Ec2.ts"
import { readSnapshot } from "./ReadSnapshot.ts"
import { type Answer, type Failure, type SentPart, toSend } from "./SnapshotParts.ts"

/** Fewer and larger pages than where parsing would hold up others; yet each is read well within the time that a call has. */
const pages = { firstTables: 20, tables: 20, others: 500 }

const text = (name: string): string | undefined => {
  const value = Predicate.hasProperty(workerData, name) ? workerData[name] : undefined
  return Predicate.isString(value) ? value : undefined
}

const failureOf = (error: unknown): Failure =>
  error instanceof Ec2Error
    ? {
        operation: error.operation,
        code: error.code,
        message: error.message,
        disposition: error.disposition,
        requestId: error.requestId,
      }
    : { operation: "DescribeRouteTables", code: "ReaderFailed", message: String(error), disposition: "transient" }

// On a busy machine the probes go first. Linux gives each thread a priority of its own; elsewhere this thread stays as it is.
await Effect.runPromise(
  Effect.ignore(
    Effect.try(() => setPriority(Number(basename(readlinkSync("/proc/thread-self"))), constants.priority.PRIORITY_LOW)),
  ),
)

/** Digests of what the main thread has already. */
const known =
  Predicate.hasProperty(workerData, "known") && Array.isArray(workerData["known"]) ? workerData["known"] : []
const vpcId = VpcId(text("vpcId") ?? "")
let waiting: ReadonlyArray<SentPart> = []

const answer = (message: Answer) => parentPort?.postMessage(message, [])

const read = async () => {
  const reading = await Effect.runPromiseExit(
    Effect.scoped(
      Effect.flatMap(makeClient(text("region")), (client) =>
        readSnapshot(client, vpcId, { pages, concurrency: 1, onPage: () => Effect.void }),
      ),
    ),
  )
  if (Exit.isFailure(reading)) {
    const error = reading.cause.reasons.find((reason) => reason._tag === "Fail")?.error
    return answer({ _tag: "Failed", failure: failureOf(error ?? reading.cause) })
  }
  const { contents, parts } = toSend(reading.value, new Set(known.filter(Predicate.isString)))
  waiting = parts
  answer({ _tag: "Contents", contents })
}

parentPort?.on("message", (ask: unknown) => {
  if (ask === "read") return void read()
  const [part, ...rest] = waiting
  waiting = rest
  if (part !== undefined) answer({ _tag: "Part", part })
})
