import { Worker } from "node:worker_threads"
import { Deferred, Effect } from "effect"
import type { VpcId } from "../../domain/Ids.ts"
import type { Route, Vpc } from "../../domain/Vpc.ts"
import { type Disposition } from "../../domain/WriteFailure.ts"
import { dispositions, Ec2Error } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"
import { SharedRoutes } from "./SharedRoutes.ts"
import {
  type Answer,
  type Ask,
  assemble,
  type Failure,
  isAnswer,
  type Known,
  type Part,
  receive,
} from "./SnapshotParts.ts"

/** The source when run from source; in the build it lies beside the program, of which this may be a chunk in a folder of its own. */
const program = new URL(
  import.meta.url.endsWith(".ts")
    ? "SnapshotWorker.ts"
    : import.meta.url.includes("/chunks/")
      ? "../SnapshotWorker.js"
      : "SnapshotWorker.js",
  import.meta.url,
)

export interface SnapshotThread {
  readonly snapshot: Effect.Effect<Vpc, Ec2Error>
}

const broken = (message: string): Ec2Error =>
  ec2Error({ operation: "DescribeRouteTables", code: "ReaderFailed", message: `the thread that reads EC2: ${message}` })

const isDisposition = (text: string): text is Disposition => dispositions.some((known) => known === text)

const toError = ({ disposition, requestId, ...failure }: Failure): Ec2Error =>
  isDisposition(disposition)
    ? new Ec2Error({ ...failure, disposition, ...(requestId === undefined ? {} : { requestId }) })
    : broken(failure.message)

/** One question, one answer. */
const ask = Effect.fnUntraced(function* (worker: Worker, question: Ask) {
  const answered = yield* Deferred.make<Answer, Ec2Error>()
  const onMessage = (message: unknown) =>
    Deferred.doneUnsafe(answered, isAnswer(message) ? Effect.succeed(message) : Effect.fail(broken("no answer")))
  const onError = (error: unknown) => Deferred.doneUnsafe(answered, Effect.fail(broken(String(error))))
  const onExit = () => Deferred.doneUnsafe(answered, Effect.fail(broken("it ended")))
  worker.on("message", onMessage).on("error", onError).on("exit", onExit)
  worker.postMessage(question, [])
  const answer = yield* Effect.ensuring(
    Deferred.await(answered),
    Effect.sync(() => worker.off("message", onMessage).off("error", onError).off("exit", onExit)),
  )
  return answer._tag === "Failed" ? yield* toError(answer.failure) : answer
})

/**
 * Reads the VPC in a thread of its own, which lives as long as one reading does: so it holds memory no longer. The main thread takes what it reads
 * in small parts, and only what has changed since the reading before: parts that have not are the same objects as before, and so is a VPC that has
 * not changed at all. One reading at a time.
 */
export const makeSnapshotThread = (vpcId: VpcId, region: string | undefined): SnapshotThread => {
  let known: Known | undefined
  const shared = new SharedRoutes()

  const thread = Effect.acquireRelease(
    Effect.try({
      try: () => new Worker(program, { workerData: { vpcId, region, known: known?.contents.digests ?? [] } }),
      catch: (error) => broken(String(error)),
    }),
    (worker) => Effect.promise(() => worker.terminate()),
  )

  const read = Effect.gen(function* () {
    const worker = yield* thread
    const answer = yield* ask(worker, "read")
    if (answer._tag !== "Contents") return yield* broken("an answer out of turn")
    const parts: Array<Part> = []
    const routes: Array<Route> = []
    while (parts.length < answer.contents.missing.length) {
      const next = yield* ask(worker, "next")
      const part = next._tag === "Part" ? receive(next.part, routes, shared) : undefined
      if (part === undefined) return yield* broken("an answer out of turn")
      parts.push(part)
    }
    known = assemble(vpcId, known, answer.contents, parts)
    shared.bound(known.vpc.tables.values().reduce((sum, table) => sum + table.routes.length, 0))
    return known.vpc
  })
  return { snapshot: Effect.scoped(read).pipe(Effect.withSpan("Ec2.snapshot")) }
}
