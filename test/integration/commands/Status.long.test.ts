import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { freePort } from "../../support/ec2/FreePort.ts"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { finish, start } from "../cli/Running.ts"
import { answering, daemonWith, post, untilStatus } from "./Daemon.ts"

const decodeStatus = Schema.decodeUnknownEffect(Schema.fromJsonString(StatusJson))

/** `HOST verdict …` in the section of hosts. */
const hostLine = (text: string, host: string) =>
  text
    .split("\nHosts\n")[1]
    ?.split("\n")
    .find((line) => line.includes(host)) ?? ""

describe("vpc-router status", () => {
  it.live("all is well: the routes and hosts of a daemon, and exit code 0", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith()
      const { code, stderr, stdout } = yield* finish(["status", "--url", `${url}/`])
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^vpc-router \S+, mode http, the simulated vpc-350d6a51, up \d+ s\n/)
      assert.match(stdout, /2 CIDRs, 3 hosts, 3 route tables; EC2 read \d+ s ago in \d+ ms\n/)
      assert.match(stdout, /\nAll is well\.\n/)
      assert.match(stdout, /\n {2}10\.55\.16\.0\/24 +→ 10\.33\.\S+ +eni-\w+ i-\w+ +in every table\n/)
      assert.match(hostLine(stdout, "10.33.40.11"), /healthy +since .* +\d routes? +eni-0c40011/)
      assert.notInclude(stdout, "\u001B")
    }),
  )

  it.live("a failed host, what is held for it and its failover are shown, and the exit code is 2", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith({
        "10.55.16.0/24": ["10.33.20.93"],
        "10.66.17.0/24": ["10.33.20.93", "10.33.40.11"],
      })
      yield* post(`${url}/simulation/hosts/10.33.20.93/fail`)
      yield* untilStatus(url, ({ counts, failed_ips }) => failed_ips.length === 1 && counts.pending === 0)
      const { code, stdout } = yield* finish(["status"], { environment: { VPC_ROUTER_URL: url } })
      assert.strictEqual(code, 2)
      assert.match(stdout, /\nAttention: 1 host failed, \d held\n/)
      assert.match(hostLine(stdout, "10.33.20.93"), /failed +since .* no reply to 3 probes/)
      assert.match(stdout, /\nFailovers\n +\d+ s ago +10\.33\.20\.93 +\d routes? moved +/)
      assert.match(stdout, /\nHeld\n +10\.55\.16\.0\/24 +every table +.*no healthy host: 10\.33\.20\.93/)
    }),
  )

  it.live("several checks are shown each with its state, and a host that one of them does not watch says so", () =>
    Effect.gen(function* () {
      const spec = { "10.66.17.0/24": ["10.33.20.93", "10.33.99.9"] }
      const { url } = yield* daemonWith(spec, "--health", "simulated,ec2", "--health-policy", "all-fail")
      yield* untilStatus(url, ({ hosts }) => hosts.some(({ notes }) => notes.length > 0))
      const { stdout } = yield* finish(["status", "--url", url])
      assert.match(
        stdout,
        /\nChecks \(a host fails by all-fail\)\n +ec2 +up +since .*\n +simulated +up +since .* finds a dead host within 1450 ms/,
      )
      assert.match(hostLine(stdout, "10.33.99.9"), /ec2 does not watch it: no instance of the VPC is known to have/)
    }),
  )

  it.live("a host that nothing watches is something to attend to", () =>
    Effect.gen(function* () {
      const spec = { "10.66.17.0/24": ["10.33.20.93", "10.33.99.9"] }
      const { url } = yield* daemonWith(spec, "--health", "ec2")
      yield* untilStatus(url, ({ hosts }) => hosts.some(({ verdict }) => verdict === "unwatched"))
      const { code, stdout } = yield* finish(["status", "--url", url])
      assert.strictEqual(code, 2)
      assert.match(stdout, /\nAttention: 1 host unwatched\n/)
      assert.match(
        hostLine(stdout, "10.33.99.9"),
        /unwatched +since .* no instance of the VPC is known to have its address/,
      )
    }),
  )

  it.live("before any spec it says that nothing is protected", () =>
    Effect.gen(function* () {
      const daemon = yield* start(["-m", "http", "--simulate", "-p", "0"])
      const { code, stdout } = yield* finish(["status", "--url", yield* daemon.url])
      assert.strictEqual(code, 2)
      assert.include(stdout, "Attention: no spec is in force: nothing is protected")
    }),
  )

  it.live("--json is what the daemon answers, with the same exit codes", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith()
      const { code, stdout } = yield* finish(["status", "--json", "--url", url])
      assert.strictEqual(code, 0)
      const { routes } = yield* decodeStatus(stdout)
      assert.deepStrictEqual(Object.keys(routes), ["10.55.16.0/24", "10.66.17.0/24"])
    }),
  )

  it.live("--watch without a terminal is a line for each change, until Ctrl-C, which ends it with 0", () =>
    Effect.gen(function* () {
      const { daemon, url } = yield* daemonWith()
      const watch = yield* start(["status", "--watch", "--url", url])
      const line = (words: string) =>
        watch.until(words, () => new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z ${words}`, "m").test(watch.stdout()))
      yield* line("all is well: 2 CIDRs, 3 hosts")
      yield* post(`${url}/simulation/hosts/10.33.40.11/fail`)
      yield* line("host 10\\.33\\.40\\.11 failed: no reply")
      yield* post(`${url}/simulation/hosts/10.33.40.11/heal`)
      yield* line("over: host 10\\.33\\.40\\.11 failed")
      yield* daemon.send("SIGTERM")
      yield* daemon.ended
      yield* line("no daemon answers at http")
      yield* watch.send("SIGINT")
      const { code, signal, stderr } = yield* Effect.timeout(watch.ended, "2 seconds")
      assert.deepStrictEqual([code, signal, stderr], [0, null, ""])
    }),
  )

  it.live("--watch on a terminal draws on a screen of its own, and gives it back", () =>
    Effect.gen(function* () {
      const { url } = yield* daemonWith()
      // script(1) gives it a terminal; timeout(1) presses Ctrl-C.
      const under = ["sh", "-c", 'exec script -qec "timeout --preserve-status -s INT 6 $*" /dev/null', "sh"]
      const { code, stdout } = yield* finish(["status", "--watch", "--url", url], { under })
      assert.strictEqual(code, 0)
      const [first, ...frames] = stdout.split("\u001B[H")
      assert.strictEqual(first, "\u001B[?1049h\u001B[?25l")
      assert.isAtLeast(frames.length, 2)
      for (const frame of frames) assert.include(frame, "All is well.")
      assert.isTrue(stdout.trimEnd().endsWith("\u001B[?25h\u001B[?1049l"))
    }),
  )

  it.live("where no daemon answers it is one line, and exit code 1", () =>
    Effect.gen(function* () {
      const nowhere = `http://127.0.0.1:${yield* freePort}`
      const page = yield* answering(() => ({ status: 200, type: "text/html", body: "<h1>Hello</h1>" }))
      const proxy = yield* answering(() => ({ status: 502, type: "text/plain", body: "Bad Gateway" }))
      for (const [url, why] of [
        [nowhere, "connect ECONNREFUSED"],
        [page, "what answers there is no vpc-router"],
        [proxy, "what answers there is no vpc-router: HTTP 502"],
      ] as const) {
        const { code, stderr, stdout } = yield* finish(["status", "--url", url])
        assert.deepStrictEqual([code, stdout], [1, ""])
        assert.match(stderr, new RegExp(`^vpc-router: --url: no daemon answers at ${url}: ${why}[^\n]*\n$`))
      }
      const { code, stderr } = yield* finish(["status", "--url", "localhost:33289"])
      assert.deepStrictEqual([code, stderr.split("\n").length], [1, 2])
      assert.match(stderr, /^vpc-router: --url: expected the URL of a daemon, such as http:\/\/localhost:33289, got/)
    }),
  )

  it.live("without --url it asks the daemon that the same variables describe", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const environment = { VPC_ROUTER_PORT: String(port), VPC_ROUTER_ADDRESS: "0.0.0.0" }
      const { stderr } = yield* finish(["status"], { environment })
      assert.include(stderr, `no daemon answers at http://localhost:${port}: `)
    }),
  )
})
