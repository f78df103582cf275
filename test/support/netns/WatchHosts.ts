/**
 * A program that watches the hosts of its arguments with the real prober and prints what it finds, a JSON line each:
 * `node WatchHosts.ts icmpecho|icmpecho:fast|tcp:PORT|http:PORT HOST…`. Tests start it inside a network namespace.
 */
import { Effect, Equal, Schedule, Stream } from "effect"
import { detectorOptions } from "../../../src/domain/DetectorOptions.ts"
import { ip } from "../../../src/domain/Ip.ts"
import * as HttpProbe from "../../../src/services/health/HttpProbe.ts"
import * as IcmpProbe from "../../../src/services/health/IcmpProbe.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import type { SourceState } from "../../../src/services/health/HealthSource.ts"
import * as TcpProbe from "../../../src/services/health/TcpProbe.ts"
import { now } from "../../../src/services/Now.ts"

const [, , kind = "", ...hosts] = process.argv

const [check, detail] = kind.split(":")
const port = Number(detail)
const probe =
  check === "tcp"
    ? TcpProbe.make({ port })
    : check === "http"
      ? HttpProbe.make({ port, path: "/", statuses: [[200, 299]], tls: undefined, name: undefined, timeout: 1_000 })
      : IcmpProbe.probe
const options = detectorOptions(undefined, 2, detail === "fast" ? "fast" : "normal")

/** Milliseconds that the event loop is held up each time it comes round, as on a machine that is busy. */
const heldUp = Number(process.env["HELD_UP_EACH_TURN"] ?? 0)
const nobody = new Int32Array(new SharedArrayBuffer(4))
const turn = () => {
  Atomics.wait(nobody, 0, 0, heldUp)
  setImmediate(turn)
}
if (heldUp > 0) turn()

const print = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`)

const program = Effect.gen(function* () {
  const source = yield* Prober.make(probe, options)
  let known: SourceState | undefined
  const tellState = Effect.gen(function* () {
    const state = yield* source.state
    if (Equal.equals(state, known)) return
    known = state
    print({ at: yield* now, state: state._tag, ...(state._tag === "Down" ? { why: state.why } : {}) })
  })
  yield* Effect.forkScoped(Effect.repeat(tellState, Schedule.spaced("20 millis")))
  yield* source.watch(new Set(hosts.map(ip)))
  yield* Stream.runForEach(source.verdicts, (batch) =>
    Effect.map(now, (at) => {
      for (const { host, verdict } of batch) {
        print({ at, host, verdict: verdict._tag, ...(verdict._tag === "Failed" ? { reason: verdict.reason } : {}) })
      }
    }),
  )
})

void Effect.runPromise(Effect.scoped(program)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
})
