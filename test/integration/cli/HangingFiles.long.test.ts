import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { behindDeadMount } from "../../support/process/DeadMount.ts"
import { finish, type Running, start, statusOf } from "./Running.ts"

/** A folder, and in it one to mount what does not answer. */
const withMountPoint = Effect.tap(temporaryFolder, (folder) => Effect.sync(() => mkdirSync(join(folder, "dead"))))

const leadTo = (link: string, target: string): void => {
  symlinkSync(target, `${link}.new`)
  renameSync(`${link}.new`, link)
}

const good = JSON.stringify({ "10.66.17.0/24": ["10.33.20.93"] })
const simulated = ["--simulate", "-p", "0"]

const endsWell = Effect.fnUntraced(function* (daemon: Running) {
  yield* daemon.send("SIGTERM")
  const [took, { code, signal, stderr }] = yield* Effect.timed(daemon.ended)
  assert.deepStrictEqual([code, signal, stderr], [0, null, ""])
  assert.isBelow(Duration.toMillis(took), 4_000)
})

describe("a file system that does not answer", { concurrent: true }, () => {
  it.live("is said, keeps nothing else waiting, and a spec elsewhere under the same path is taken", () =>
    Effect.gen(function* () {
      const folder = yield* withMountPoint
      const dead = join(folder, "dead")
      const file = join(folder, "spec.json")
      leadTo(file, join(dead, "spec.json"))
      const under = behindDeadMount(dead)
      const keeping = ["--state-file", join(folder, "state.json"), "--audit-log", join(folder, "audit.log")]
      const daemon = yield* start(["-m", "configfile", "-f", file, ...simulated, ...keeping], { under })
      yield* daemon.logged(`${file}: reading it has taken over 5s`)
      const { sources } = yield* statusOf(yield* daemon.url)
      assert.include(JSON.stringify(sources.config), "reading it has taken over 5s")
      const spec = join(folder, "good.json")
      writeFileSync(spec, good)
      leadTo(file, spec)
      yield* daemon.logged("create 10.66.17.0/24 in rtb-00main")
      // From now on it is watched as ever.
      writeFileSync(spec, good.replace("20.93", "30.22"))
      yield* daemon.logged("repair 10.66.17.0/24 in rtb-00main")
      leadTo(file, join(dead, "spec.json"))
      yield* Effect.sleep(500)
      yield* endsWell(daemon)
    }),
  )

  it.live("keeps no daemon from ending, whichever file lies on it", () =>
    Effect.gen(function* () {
      const dead = join(yield* withMountPoint, "dead")
      const under = behindDeadMount(dead)
      const file = join(dead, "file")
      const spec = yield* start(["-m", "configfile", "-f", file, ...simulated], { under })
      yield* spec.url
      yield* endsWell(spec)
      for (const option of ["--token-file", "--state-file", "--audit-log"]) {
        const daemon = yield* start(["-m", "http", ...simulated, option, file], { under })
        yield* daemon.logged("vpc-router ")
        yield* daemon.send("SIGTERM")
        const [took, { signal }] = yield* Effect.timed(daemon.ended)
        assert.isNull(signal, option)
        assert.isBelow(Duration.toMillis(took), 4_000, option)
      }
    }),
  )

  for (const option of ["--token-file", "--state-file", "--audit-log"])
    it.live(`${option} on it: the start is refused after five seconds`, () =>
      Effect.gen(function* () {
        const dead = join(yield* withMountPoint, "dead")
        const file = join(dead, "file")
        const args = ["-m", "http", ...simulated, "--log-level", "error", option, file]
        const { code, signal, stderr } = yield* finish(args, { under: behindDeadMount(dead) })
        assert.deepStrictEqual([code, signal], [1, null], stderr)
        assert.match(stderr, new RegExp(`^vpc-router: ${option}: .*${file}: [^\n]* within 5 seconds\n$`))
      }),
    )
})
