import { Worker } from "node:worker_threads"
import { Deferred, Effect, type Scope } from "effect"
import type { VpcId } from "../../domain/Ids.ts"
import type { Vpc } from "../../domain/Vpc.ts"
import { type Disposition } from "../../domain/WriteFailure.ts"
import { dispositions, Ec2Error } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"
import { type Answer, type Ask, assemble, type Failure, isAnswer, type Known, type Part } from "./SnapshotParts.ts"

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

/** A thread that runs, and what the main thread has of its readings. */
interface Running {
  readonly worker: Worker
  readonly known: Known | undefined
}

const broken = (message: string): Ec2Error =>
  ec2Error({ operation: "DescribeRouteTables", code: "ReaderFailed", message: `the thread that reads EC2: ${message}` })

const isDisposition = (text: string): text is Disposition => dispositions.some((known) => known === text)

const toError = ({ disposition, requestId, ...failure }: Failure): Ec2Error =>
  isDisposition(disposition)
    ? new Ec2Error({ ...failure, disposition, ...(requestId === undefined ? {} : { requestId }) })
    : broken(failure.message)

/**
 * Reads the VPC in a thread of its own, which starts with the first reading and ends with the scope. The main thread takes what it reads in
 * small parts, and only what has changed since the reading before: parts that have not are the same objects as before, and so is a VPC that has
 * not changed at all. A reading that is interrupted, or a thread that breaks, costs the thread: the next reading starts another one.
 */
export const makeSnapshotThread = Effect.fnUntraced(function* (
  vpcId: VpcId,
  region: string | undefined,
): Effect.fn.Return<SnapshotThread, never, Scope.Scope> {
  let running: Running | undefined

  const stop = Effect.suspend(() => {
    const worker = running?.worker
    running = undefined
    return worker === undefined ? Effect.void : Effect.promise(() => worker.terminate())
  })
  yield* Effect.addFinalizer(() => stop)

  const start = Effect.try({
    try: () => new Worker(program, { workerData: { vpcId, region } }),
    catch: (error) => broken(String(error)),
  })

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

  const read = Effect.gen(function* () {
    const { known, worker } = (running ??= { worker: yield* start, known: undefined })
    const answer = yield* ask(worker, "read")
    if (answer._tag !== "Contents") return yield* broken("an answer out of turn")
    const parts: Array<Part> = []
    while (parts.length < answer.contents.missing.length) {
      const next = yield* ask(worker, "next")
      if (next._tag !== "Part") return yield* broken("an answer out of turn")
      parts.push(next.part)
    }
    const assembled = assemble(vpcId, known, answer.contents, parts)
    running = { worker, known: assembled }
    return assembled.vpc
  })

  // EC2's own refusals leave the thread as it was; after anything else nobody knows where it is.
  const snapshot = read.pipe(
    Effect.onInterrupt(() => stop),
    Effect.tapError(({ code }) => (code === "ReaderFailed" ? stop : Effect.void)),
    Effect.withSpan("Ec2.snapshot"),
  )
  return { snapshot }
})
