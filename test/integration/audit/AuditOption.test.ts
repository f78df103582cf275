import { readFileSync, renameSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { AuditRecord } from "../../../src/services/audit/AuditRecord.ts"
import { finish, start, until } from "../cli/Running.ts"
import { withFolder } from "../../support/TemporaryFolder.ts"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(AuditRecord))
const recordsIn = (file: string): ReadonlyArray<AuditRecord> =>
  readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      const record = decode(line)
      return record._tag === "Some" ? [record.value] : []
    })

const post = (url: string, body?: string) =>
  Effect.promise((signal) =>
    fetch(url, { method: "POST", signal, headers: { "content-type": "application/json" }, ...(body && { body }) }),
  )

const simulated = ["--mode", "http", "--simulate", "--port", "0"]

describe("--audit-log", () => {
  it.live("tells who posted the spec, who drained the host, and what was written because of it", () =>
    withFolder((folder) =>
      Effect.scoped(
        Effect.gen(function* () {
          const file = join(folder, "audit.log")
          const { url } = yield* start([...simulated, "--audit-log", file])
          const base = yield* url
          yield* post(`${base}/route_spec`, '{"10.66.17.0/24": ["10.33.20.93", "10.33.40.11"]}')
          const writes = () => recordsIn(file).flatMap((record) => (record.kind === "write" ? [record] : []))
          yield* until("the routes are there", () => writes().length === 3)
          const host = writes()[0]?.after?.host ?? ""
          assert.strictEqual((yield* post(`${base}/drain/${host}`)).status, 200)
          yield* until("the routes have moved", () => writes().length === 6)

          const [begun, spec] = recordsIn(file)
          assert.deepInclude(begun, { kind: "start", vpc: "vpc-350d6a51", mode: "http", dry_run: false })
          assert.deepInclude(spec, { kind: "spec", source: "http", cidrs: 1, hosts: 2, more: 0 })
          const { peer } = { peer: null, ...spec }
          assert.include(["127.0.0.1", "::1"], peer)
          for (const { outcome, spec: origin } of writes()) {
            assert.strictEqual(outcome, "done")
            assert.deepInclude(origin, { source: "http", peer })
          }
          for (const { operator, reason } of writes().slice(3)) {
            assert.strictEqual(reason, "host_drained")
            assert.deepInclude(operator, { action: "drain", peer })
          }
        }),
      ),
    ),
  )

  it.live("goes on in a new file when logrotate sends SIGHUP, and has its last lines when the daemon ends", () =>
    withFolder((folder) =>
      Effect.scoped(
        Effect.gen(function* () {
          const [file, old] = [join(folder, "audit.log"), join(folder, "audit.log.1")]
          const running = yield* start([...simulated, "--audit-log", file])
          const base = yield* running.url
          yield* until("the start", () => recordsIn(file).length === 1)
          renameSync(file, old)
          yield* running.send("SIGHUP")
          yield* Effect.sleep("300 millis")
          yield* post(`${base}/route_spec`, '{"10.66.17.0/24": ["10.33.20.93"]}')
          yield* running.send("SIGTERM")
          assert.deepInclude(yield* running.ended, { code: 0 })
          assert.deepStrictEqual(
            recordsIn(old).map(({ kind }) => kind),
            ["start"],
          )
          assert.strictEqual(recordsIn(file)[0]?.kind, "spec")
        }),
      ),
    ),
  )

  it.live("that cannot be opened stops the start with one line that says why", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* finish([...simulated, "--audit-log", "/nowhere/audit.log"])
      assert.strictEqual(code, 1)
      assert.match(stderr, /^vpc-router: --audit-log: \/nowhere\/audit\.log: no such folder\n$/)
    }),
  )
})
