import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { finish, start, statusOf } from "../cli/Running.ts"
import { answering, daemonWith, untilStatus } from "./Daemon.ts"
import { folder } from "./Folder.ts"

const host = "10.33.30.22"
const both = { "10.55.16.0/24": ["10.33.20.93", host], "10.66.17.0/24": [host, "10.33.40.11"] }
const alone = { "10.55.16.0/24": [host], "10.66.17.0/24": [host, "10.33.40.11"] }

const carriers = (url: string) =>
  Effect.map(statusOf(url), ({ tables }) =>
    tables.flatMap(({ cells }) => cells.filter(({ in_spec }) => in_spec).map(({ ip }) => ip)),
  )

/** Which host carries a CIDR is drawn by hash; drains one that carries something. */
const busiest = (url: string) =>
  Effect.map(carriers(url), (ips) => {
    const counts = Map.groupBy(ips, (ip) => ip ?? "")
    const [most = "", routes = []] = [...counts].sort(([, a], [, b]) => b.length - a.length)[0] ?? []
    return { host: most, routes: routes.length }
  })

describe("vpc-router drain", () => {
  it.live("moves the routes off the host, waits until none leads to it, and undrain puts it back", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith(both)
      const { host, routes } = yield* busiest(url)
      const drained = yield* finish(["drain", host, "--url", url])
      assert.deepStrictEqual(
        [drained.code, drained.stdout, drained.stderr],
        [0, `${host} is drained: ${routes} routes moved off it, and none leads to it\n`, ""],
      )
      const after = yield* carriers(url)
      assert.lengthOf(after, 6)
      assert.notInclude(after, host)
      const shown = yield* finish(["status", "--url", url])
      assert.strictEqual(shown.code, 0)
      assert.match(shown.stdout, new RegExp(`${host} +healthy, drained .* 0 routes`))
      const again = yield* finish(["drain", host, "--url", url])
      assert.deepStrictEqual([again.code, again.stdout], [0, `${host} is drained: no route led to it\n`])

      const undrained = yield* finish(["undrain", host, "--url", url])
      assert.deepStrictEqual(
        [undrained.code, undrained.stdout],
        [0, `${host} is in service again: it may carry routes; none moves back by itself\n`],
      )
      assert.deepStrictEqual((yield* statusOf(url)).drained, [])
      assert.deepStrictEqual(yield* carriers(url), after)
    }),
  )

  it.live("a CIDR without another healthy host keeps its routes; it says so, and ends with 2", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith(alone)
      const { code, stdout } = yield* finish(["drain", host, "--url", url])
      assert.strictEqual(code, 2)
      const [first = "", ...left] = stdout.trimEnd().split("\n")
      assert.match(first, /^10\.33\.30\.22 is drained, but 3 routes lead to it still/)
      assert.deepStrictEqual(
        left,
        ["rtb-00main", "rtb-0a20", "rtb-0b30"].map(
          (table) => `  10.55.16.0/24 in ${table}: no healthy host: ${host} is drained`,
        ),
      )
      const json = yield* finish(["drain", host, "--url", url, "--json"])
      const { left: rest, ...told } = JSON.parse(json.stdout)
      assert.deepStrictEqual([json.code, told, rest.length], [2, { ip: host, drained: true, moved: 0 }, 3])
    }),
  )

  it.live("a dry run moves nothing, and it says so", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const routes = [{ destination: "10.55.16.0/24", target: "10.33.20.1" }]
      const simulation = write("topology.json", {
        vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16"] },
        hosts: ["10.33.20.1", "10.33.20.2"].map((address, at) => ({
          interface: `eni-${at}`,
          instance: `i-${at}`,
          addresses: [address],
        })),
        tables: [{ id: "rtb-1", main: true, routes }],
      })
      const args = ["-m", "fixedconf", "--fixed-cidr", "10.55.16.0/24", "--fixed-hosts", "10.33.20.1:10.33.20.2"]
      const daemon = yield* start([...args, "--dry-run", "-p", "0", "--simulate", simulation])
      const url = yield* daemon.url
      yield* untilStatus(url, ({ hosts }) => hosts.length === 2 && hosts.every(({ able }) => able))
      const { code, stdout } = yield* finish(["drain", "10.33.20.1", "--url", url])
      assert.strictEqual(code, 2)
      assert.include(stdout, "10.55.16.0/24 in rtb-1: the daemon runs with --dry-run: nothing is written")
    }),
  )

  it.live("what the daemon refuses, and what is no host, is one line and ends with 1", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith(both)
      for (const [args, line] of [
        [["drain", "10.33.20.101"], "vpc-router: the daemon refuses: 10.33.20.101 is no host of the spec in force"],
        [["undrain", "10.33.20.101"], "vpc-router: the daemon refuses: 10.33.20.101 is no host of the spec in force"],
        [["drain", "10.33.20"], 'vpc-router: expected the IP address of a host, got "10.33.20"'],
        [["drain"], "vpc-router: expected one IP, got none"],
        [
          ["drain", host, "--timeout", "never"],
          'vpc-router: --timeout: expected seconds from 1 to 3600, such as 5 or 500ms, got "never"',
        ],
        [["drain", host, "--token-file", "/nowhere/token"], "vpc-router: --token-file: /nowhere/token: no such file"],
      ] as const) {
        const { code, stderr, stdout } = yield* finish([...args, "--url", url])
        assert.deepStrictEqual([code, stdout, stderr], [1, "", `${line}\n`])
      }
      assert.deepStrictEqual((yield* statusOf(url)).drained, [])
    }),
  )

  it.live("sends the token of --token-file, and shows the daemon's own words where it is not the right one", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith(both)
      const { write } = yield* folder
      const status = JSON.stringify(yield* statusOf(url))
      const guarded = yield* answering(({ headers, method }) => {
        if (method === "GET") return { status: 200, type: "application/json", body: status }
        const problem = {
          type: "about:blank",
          status: 401,
          title: "Unauthorized",
          detail: "the bearer token is not the right one",
        }
        return headers.authorization === "Bearer right"
          ? { status: 200, type: "application/json", body: "{}" }
          : { status: 401, type: "application/problem+json", body: JSON.stringify(problem) }
      })
      const undrain = (token: string) =>
        finish(["undrain", "10.33.40.11", "--url", guarded, "--token-file", write("token", token)])
      assert.strictEqual((yield* undrain("  right\n")).code, 0)
      const { code, stderr } = yield* undrain("wrong")
      assert.deepStrictEqual(
        [code, stderr],
        [1, "vpc-router: the daemon refuses: the bearer token is not the right one\n"],
      )
      const empty = yield* undrain("\n")
      assert.match(empty.stderr, /^vpc-router: --token-file: \S+: it is empty\n$/)
    }),
  )
})
