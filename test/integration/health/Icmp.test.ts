import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { build } from "esbuild"
import { now } from "../../../src/services/Now.ts"
import { cable, type Namespace, namespace } from "../../support/netns/Namespaces.ts"
import { answerForged } from "../../support/netns/Responding.ts"
import { type RunningProber, runProber, watchHosts } from "../../support/netns/RunningProber.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

// A verdict is promised within 1.5 s; a busy machine may take longer, and speed is not what is judged here.
const sanity = 15_000

/** A namespace for the prober and one for hosts, with a cable between them and routes to all hosts of two ranges. */
const network = Effect.fnUntraced(function* () {
  const monitor = yield* namespace()
  const hosts = yield* namespace()
  yield* cable(monitor, hosts, "hosts", 1)
  yield* monitor.ip("route add 10.214.0.0/16 via 10.215.1.2")
  yield* monitor.ip("-6 route add fd00:214::/64 via fd00:215:1::2")
  return { monitor, hosts }
})

/** Lets `hosts` drop whatever goes to the addresses of these sets. */
const filter = (hosts: Namespace) =>
  hosts.nft(`
    table inet test {
      set dead { type ipv4_addr; }
      set dead6 { type ipv6_addr; }
      chain input {
        type filter hook prerouting priority 0;
        ip daddr @dead drop
        ip6 daddr @dead6 drop
      }
    }`)

const isIn = (prober: RunningProber, host: string, verdict: string) =>
  prober.until(`${host} is ${verdict}`, () => prober.verdicts().get(host) === verdict)

/** Why the source was down when it last was. */
const lastWhy = (prober: RunningProber) =>
  prober.findings.flatMap((finding) => ("why" in finding && finding.why !== undefined ? [finding.why] : [])).at(-1)

/** Breaks something, waits until the prober says so of `host`, and gives the milliseconds it took. */
const timed = Effect.fnUntraced(function* <E>(
  prober: RunningProber,
  host: string,
  breaking: Effect.Effect<unknown, E>,
) {
  const from = yield* now
  yield* breaking
  yield* isIn(prober, host, "Failed")
  const verdict = prober.findings.findLast((finding) => "host" in finding && finding.host === host)
  return (verdict?.at ?? Infinity) - from
})

describe.concurrent("ICMP between network namespaces", () => {
  it.live("finds hosts dead by a lost address, a link down and dropped packets, and alive again when they return", () =>
    Effect.gen(function* () {
      const { hosts, monitor } = yield* network()
      const other = yield* namespace()
      yield* cable(monitor, other, "other", 2)
      yield* monitor.ip("route add 10.216.0.1/32 via 10.215.2.2")
      yield* other.ip("address add 10.216.0.1/32 dev lo")
      yield* filter(hosts)
      const [byAddress, byDrop, byLink] = ["10.214.0.1", "10.214.0.2", "10.216.0.1"] as const
      const [byAddress6, byDrop6] = ["fd00:214::1", "fd00:214::2"] as const
      for (const host of [byAddress, byDrop]) yield* hosts.ip(`address add ${host}/32 dev lo`)
      for (const host of [byAddress6, byDrop6]) yield* hosts.ip(`address add ${host}/128 dev lo nodad`)
      const all = [byAddress, byDrop, byLink, byAddress6, byDrop6]
      const prober = yield* runProber(monitor, "icmpecho", all)
      for (const host of all) yield* isIn(prober, host, "Healthy")

      const cases = [
        [
          byAddress,
          "lost address",
          hosts.ip(`address del ${byAddress}/32 dev lo`),
          hosts.ip(`address add ${byAddress}/32 dev lo`),
        ],
        [byLink, "link down", other.ip("link set other down"), other.ip("link set other up")],
        [
          byDrop,
          "dropped packets",
          hosts.nft(`add element inet test dead { ${byDrop} }`),
          hosts.nft("flush set inet test dead"),
        ],
        [
          byAddress6,
          "lost IPv6 address",
          hosts.ip(`address del ${byAddress6}/128 dev lo`),
          hosts.ip(`address add ${byAddress6}/128 dev lo nodad`),
        ],
        [
          byDrop6,
          "dropped IPv6 packets",
          hosts.nft(`add element inet test dead6 { ${byDrop6} }`),
          hosts.nft("flush set inet test dead6"),
        ],
      ] as const
      for (const [host, how, breaking, mending] of cases) {
        const took = yield* timed(prober, host, breaking)
        console.log(`${how}: failed after ${Math.round(took)} ms (promised: 1500 ms)`)
        assert.isBelow(took, sanity)
        assert.deepStrictEqual(prober.failed(), [host])
        yield* mending
        yield* isIn(prober, host, "Healthy")
      }
      const reasons = prober.findings.flatMap((finding) =>
        "host" in finding && finding.reason !== undefined ? [finding.reason] : [],
      )
      assert.lengthOf(reasons, cases.length)
      for (const reason of reasons) assert.match(reason, /^no reply to 3 probes in \d+\.\d+ s$/)
    }),
  )

  it.live("watches 1,000 hosts on one socket and fails exactly the ten that die", () =>
    Effect.gen(function* () {
      const { hosts, monitor } = yield* network()
      yield* hosts.ip("route add local 10.214.0.0/16 dev lo")
      yield* filter(hosts)
      const all = Array.from({ length: 1000 }, (_, index) => `10.214.${1 + (index >> 8)}.${index & 255}`)
      const prober = yield* runProber(monitor, "icmpecho", all)
      const healthy = () => [...prober.verdicts().values()].filter((verdict) => verdict === "Healthy").length
      yield* prober.until("all 1,000 are healthy", () => healthy() === 1000)
      const sockets = yield* monitor.exec("cat", "/proc/net/raw")
      assert.lengthOf(sockets.trim().split("\n").slice(1), 1)

      const dead = all.filter((_, index) => index % 100 === 42).sort()
      const from = yield* now
      yield* hosts.nft(`add element inet test dead { ${dead.join(", ")} }`)
      yield* prober.until("ten are failed", () => prober.failed().length >= 10)
      const took = (prober.findings.at(-1)?.at ?? Infinity) - from
      console.log(`ten of 1,000: the last failed after ${Math.round(took)} ms (promised: 1500 ms)`)
      assert.isBelow(took, sanity)
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(prober.failed(), dead)
      assert.strictEqual(healthy(), 990)

      yield* hosts.nft("flush set inet test dead")
      yield* prober.until("all 1,000 are healthy again", () => healthy() === 1000)
    }),
  )

  it.live("calls every host healthy once a spell of 30 % random loss is over", () =>
    Effect.gen(function* () {
      const { hosts, monitor } = yield* network()
      yield* hosts.ip("route add local 10.214.0.0/16 dev lo")
      yield* filter(hosts)
      const all = Array.from({ length: 50 }, (_, index) => `10.214.0.${index + 1}`)
      const prober = yield* runProber(monitor, "icmpecho", all)
      const healthy = () => [...prober.verdicts().values()].every((verdict) => verdict === "Healthy")
      yield* prober.until("all are healthy", () => prober.verdicts().size === 50 && healthy())
      yield* hosts.nft("insert rule inet test input numgen random mod 100 < 30 drop")
      yield* Effect.sleep("5 seconds")
      yield* hosts.nft("flush chain inet test input")
      yield* Effect.sleep("2 seconds")
      yield* prober.until("all are healthy again", healthy)
      assert.isFalse(
        prober.findings.some(
          (finding) => "state" in finding && finding.why !== undefined && finding.why !== "starting",
        ),
      )
    }),
  )

  it.live("fails no host when the prober itself was stopped for 5 s, and still finds a dead one afterwards", () =>
    Effect.gen(function* () {
      const { hosts, monitor } = yield* network()
      yield* hosts.ip("route add local 10.214.0.0/16 dev lo")
      yield* filter(hosts)
      const all = Array.from({ length: 200 }, (_, index) => `10.214.0.${index + 1}`)
      const prober = yield* runProber(monitor, "icmpecho", all)
      const healthy = () => [...prober.verdicts().values()].filter((verdict) => verdict === "Healthy").length
      yield* prober.until("all are healthy", () => healthy() === 200)
      prober.signal("SIGSTOP")
      yield* Effect.sleep("5 seconds")
      prober.signal("SIGCONT")
      yield* Effect.sleep("3 seconds")
      assert.isFalse(prober.findings.some((finding) => "host" in finding && finding.verdict === "Failed"))
      const [victim = ""] = all
      assert.isBelow(yield* timed(prober, victim, hosts.nft(`add element inet test dead { ${victim} }`)), sanity)
      assert.deepStrictEqual(prober.failed(), [victim])
    }),
  )

  it.live("blames its own lost link on no host: the source is down until the link is back", () =>
    Effect.gen(function* () {
      const { hosts, monitor } = yield* network()
      yield* hosts.ip("route add local 10.214.0.0/16 dev lo")
      const all = Array.from({ length: 20 }, (_, index) => `10.214.0.${index + 1}`)
      const prober = yield* runProber(monitor, "icmpecho", all)
      const every = (verdict: string) => () =>
        [...prober.verdicts().values()].filter((is) => is === verdict).length === 20
      yield* prober.until("all are healthy", every("Healthy"))
      yield* monitor.ip("link set hosts down")
      yield* prober.until("all are unknown", every("Unknown"))
      yield* prober.until("the source is down because nothing leaves this machine", () =>
        /no probe leaves this machine: Network is (unreachable|down)/.test(lastWhy(prober) ?? ""),
      )
      yield* monitor.ip("link set hosts up")
      yield* monitor.ip("route add 10.214.0.0/16 via 10.215.1.2")
      yield* prober.until("all are healthy again", every("Healthy"))
      assert.isFalse(prober.findings.some((finding) => "host" in finding && finding.verdict === "Failed"))
    }),
  )

  it.live("takes none of thousands of forged replies, each of which differs from a genuine one by a single bit", () =>
    Effect.gen(function* () {
      const { hosts, monitor } = yield* network()
      yield* hosts.ip("route add local 10.214.0.0/16 dev lo")
      const forged = Array.from({ length: 50 }, (_, index) => `10.214.0.${index + 1}`)
      const sent = yield* answerForged(hosts, 100)
      const other = yield* namespace()
      yield* cable(monitor, other, "other", 2)
      yield* monitor.ip("route add 10.216.0.1/32 via 10.215.2.2")
      yield* other.ip("address add 10.216.0.1/32 dev lo")
      const prober = yield* runProber(monitor, "icmpecho", [...forged, "10.216.0.1"])
      yield* isIn(prober, "10.216.0.1", "Healthy")
      yield* Effect.repeat(
        Effect.sync(() => sent()),
        { until: (count) => count >= 10_000, schedule: Schedule.spaced("50 millis") },
      ).pipe(Effect.timeout("30 seconds"))
      // The last of them are on their way.
      yield* Effect.sleep("200 millis")
      for (const host of forged) assert.strictEqual(prober.verdicts().get(host), "Unknown", host)
    }),
  )

  it.live("says that CAP_NET_RAW is missing, and how to give it, when it is", () =>
    Effect.gen(function* () {
      const { monitor } = yield* network()
      const without = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
      const prober = yield* runProber(monitor, "icmpecho", ["10.214.0.1"], { wrapper: without })
      yield* prober.until("a reason that names CAP_NET_RAW", () => (lastWhy(prober) ?? "").includes("CAP_NET_RAW"))
      assert.include(lastWhy(prober), "AmbientCapabilities=CAP_NET_RAW")
      assert.include(lastWhy(prober), "setcap cap_net_raw+ep")
    }),
  )

  it.live("says what to install when the package raw-socket is missing", () =>
    Effect.gen(function* () {
      const { monitor } = yield* network()
      const folder = yield* temporaryFolder
      // A bundle far from node_modules: it starts, since nothing but ICMP needs the package.
      const program = join(folder, "watch.mjs")
      yield* Effect.promise(() =>
        build({
          entryPoints: [watchHosts],
          outfile: program,
          bundle: true,
          platform: "node",
          format: "esm",
          mainFields: ["module", "main"],
          logLevel: "warning",
        }),
      )
      const prober = yield* runProber(monitor, "icmpecho", ["10.214.0.1"], { program })
      yield* prober.until("what to install", () => (lastWhy(prober) ?? "").includes("npm install raw-socket@"))
    }),
  )

  it.live("needs no more than CAP_NET_RAW", () =>
    Effect.gen(function* () {
      const { hosts, monitor } = yield* network()
      yield* hosts.ip("route add local 10.214.0.0/16 dev lo")
      const only = ["setpriv", "--inh-caps=-all,+net_raw", "--bounding-set=-all,+net_raw"]
      const prober = yield* runProber(monitor, "icmpecho", ["10.214.0.1"], { wrapper: only })
      yield* isIn(prober, "10.214.0.1", "Healthy")
    }),
  )
})
