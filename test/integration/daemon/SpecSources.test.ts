import { mkdir, rename, symlink, writeFile } from "node:fs/promises"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { carried, isSettled, withdrawn } from "../../support/daemon/Look.ts"
import { a, b, c, everywhere, secondOfA, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const other = "10.66.18.0/24"

const write = (file: string, text: string) => Effect.promise(() => writeFile(file, text))
const move = (from: string, to: string) => Effect.promise(() => rename(from, to))
const link = (target: string, path: string) => Effect.promise(() => symlink(target, path))
const folder = (path: string) => Effect.promise(() => mkdir(path))
const json = (spec: Record<string, ReadonlyArray<string>>) => JSON.stringify(spec)

describe.concurrent("where the spec comes from", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("-m configfile: the routes of a file, with nothing said but the file, the region and the VPC", () =>
      Effect.gen(function* () {
        const { carriers, daemonWith, island, vpc } = yield* stand
        const file = join(island.folder, "route-spec.json")
        yield* write(file, json({ [net]: [a, b] }))
        const daemon = yield* daemonWith({ args: ["-m", "configfile", "-f", file, "-r", "us-east-1", "-v", vpc.id] })
        const host = yield* carried(daemon, net)
        assert.deepStrictEqual(yield* carriers(net), everywhere(host))
        assert.deepStrictEqual((yield* daemon.get("/route_spec")).json, { [net]: [a, b] })
        const { mode, sources } = yield* daemon.status
        assert.strictEqual(mode, "configfile")
        assert.strictEqual(sources.health.name, "icmpecho")
      }),
    )

    it.effect("configfile: a file that is written in place, or renamed over, is noticed", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island } = yield* stand
        const file = join(island.folder, "route-spec.json")
        yield* write(file, json({ [net]: [a] }))
        const daemon = yield* start("-m", "configfile", "-f", file)
        yield* carried(daemon, net, a)
        yield* write(file, json({ [net]: [a], [other]: [b] }))
        yield* carried(daemon, other, b)
        yield* write(`${file}.new`, json({ [net]: [a], [other]: [c] }))
        yield* move(`${file}.new`, file)
        yield* carried(daemon, other, c)
        yield* write(`${file}.new`, json({ [net]: [a] }))
        yield* move(`${file}.new`, file)
        yield* withdrawn(daemon, other)
        assert.deepStrictEqual(yield* carriers(other), everywhere(undefined))
      }),
    )

    it.effect("configfile: a mounted ConfigMap whose symbolic link is swapped is noticed", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island } = yield* stand
        const at = (...path: ReadonlyArray<string>) => join(island.folder, ...path)
        yield* folder(at("..2026_01"))
        yield* write(at("..2026_01", "route-spec.json"), json({ [net]: [a] }))
        yield* link("..2026_01", at("..data"))
        yield* link("..data/route-spec.json", at("route-spec.json"))
        const daemon = yield* start("-m", "configfile", "-f", at("route-spec.json"))
        yield* carried(daemon, net, a)
        yield* folder(at("..2026_02"))
        yield* write(at("..2026_02", "route-spec.json"), json({ [net]: [b] }))
        yield* link("..2026_02", at("..data_tmp"))
        yield* move(at("..data_tmp"), at("..data"))
        yield* carried(daemon, net, b)
        assert.deepStrictEqual(yield* carriers(net), everywhere(b))
      }),
    )

    it.effect("configfile: a file that is malformed, half-written or empty changes nothing and is told of", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island, proxy, writes } = yield* stand
        const file = join(island.folder, "route-spec.json")
        const whole = json({ [net]: [a, b] })
        yield* write(file, whole)
        const daemon = yield* start("-m", "configfile", "-f", file, "--route-recheck-interval", "1")
        const host = yield* carried(daemon, net)
        yield* proxy.forget
        for (const [text, problem] of [
          ['{"10.66.17.0/24": "10.33.20.93"}', "10.66.17.0/24"],
          [whole.slice(0, 20), "$"],
          ["", "$"],
        ] as const) {
          yield* write(file, text)
          const { sources } = yield* daemon.until(
            `a rejection at ${problem} of ${text}`,
            ({ sources: { config } }) =>
              config.state === "rejected" && config.problems.some(({ path }) => path.includes(problem)),
          )
          assert.strictEqual(sources.config.why, "the spec was not accepted; the last good one stays")
          yield* write(file, whole)
          yield* daemon.until("the good spec again", ({ sources: { config } }) => config.state === "ok")
        }
        yield* move(file, `${file}.away`)
        yield* daemon.until("no file", ({ sources: { config } }) => config.state === "unreadable")
        yield* daemon.rechecks(1)
        assert.deepStrictEqual((yield* daemon.get("/route_spec")).json, { [net]: [a, b] })
        assert.deepStrictEqual(yield* writes, [])
        assert.deepStrictEqual(yield* carriers(net), everywhere(host))
        yield* move(`${file}.away`, file)
        yield* write(file, json({ [net]: [a, b], [other]: [c] }))
        yield* carried(daemon, other, c)
      }),
    )

    it.effect("-m fixedconf, with options spelt as the Python vpc-router spelt them", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, put, remove } = yield* stand
        for (const table of ["main", "a", "b", "spare"] as const) yield* put(table, net, a)
        yield* put("a", "10.90.1.0/24", c)
        yield* put("a", "10.91.0.7/32", c)
        const daemon = yield* start(
          ...`--mode fixedconf --fixed_cidr ${net} --fixed_hosts ${a}:${b} --route_recheck_interval 1`.split(" "),
          ..."--ignore_routes 10.90.0.0/16,10.91.0.7 --health multi --tcp_check_port 22 --verbose".split(" "),
          ..."--tcp_check_interval 1 --icmp_check_interval 1".split(" "),
        )
        yield* carried(daemon, net, a)
        assert.deepStrictEqual((yield* daemon.get("/route_spec")).json, { [net]: [a, b] })
        yield* remove("b", net)
        yield* proxy.nextRequest("CreateRoute")
        yield* carried(daemon, net, a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.strictEqual((yield* carriers("10.90.1.0/24")).a, c)
        assert.strictEqual((yield* carriers("10.91.0.7/32")).a, c)
        assert.strictEqual((yield* daemon.status).sources.health.name, "icmpecho,tcp")
        assert.isTrue(daemon.log().some(({ level }) => level === "debug"))
      }),
    )

    it.effect("-m http: a spec that is posted is answered once it is in force, and GET gives it back", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start } = yield* stand
        const daemon = yield* start("-m", "http")
        assert.deepStrictEqual((yield* daemon.get("/route_spec")).json, {})
        const posted = yield* daemon.post("/route_spec", { [net]: [a, b] })
        assert.strictEqual(posted.status, 200)
        assert.deepInclude(posted.json, { accepted: true, cidrs: 1, hosts: 2, warnings: [] })
        assert.deepStrictEqual((yield* daemon.get("/route_spec")).json, { [net]: [a, b] })
        assert.deepStrictEqual((yield* daemon.status).route_spec, { [net]: [a, b] })
        const host = yield* carried(daemon, net)
        assert.deepStrictEqual(yield* carriers(net), everywhere(host))
      }),
    )

    it.effect("http: a malformed POST is answered with every fault and keeps the last good spec", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, writes } = yield* stand
        const daemon = yield* start("-m", "http", "--route-recheck-interval", "1")
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const host = yield* carried(daemon, net)
        yield* proxy.forget
        const refused = yield* daemon.post("/route_spec", { "10.66.17.0/33": [a], [other]: ["10.33.20"] })
        assert.strictEqual(refused.status, 400)
        assert.match(refused.contentType, /^application\/problem\+json/)
        assert.include(refused.text, "10.66.17.0/33")
        assert.include(refused.text, `[\\"${other}\\"][0]`)
        assert.strictEqual((yield* daemon.post("/route_spec", `{"${net}": ["${a}"`)).status, 400)
        assert.strictEqual((yield* daemon.post("/route_spec", "")).status, 400)
        yield* daemon.rechecks(1)
        assert.deepStrictEqual((yield* daemon.get("/route_spec")).json, { [net]: [a, b] })
        assert.deepStrictEqual(yield* writes, [])
        assert.deepStrictEqual(yield* carriers(net), everywhere(host))
      }),
    )

    it.effect("in the other modes a POST is refused and changes nothing", () =>
      Effect.gen(function* () {
        const { daemon: start } = yield* stand
        const daemon = yield* start("-m", "fixedconf", "--fixed-cidr", net, "--fixed-hosts", a)
        yield* carried(daemon, net, a)
        const refused = yield* daemon.post("/route_spec", { [other]: [b] })
        assert.strictEqual(refused.status, 409)
        assert.match(refused.contentType, /^application\/problem\+json/)
        assert.deepStrictEqual((yield* daemon.status).route_spec, { [net]: [a] })
      }),
    )

    it.effect("an empty host list withdraws that route at once, and only that", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, writes } = yield* stand
        const daemon = yield* start("-m", "http")
        yield* daemon.post("/route_spec", { [net]: [a], [other]: [b] })
        yield* carried(daemon, net, a)
        yield* carried(daemon, other, b)
        yield* proxy.forget
        yield* daemon.post("/route_spec", { [net]: [], [other]: [b] })
        yield* withdrawn(daemon, net)
        assert.deepStrictEqual(yield* carriers(net), everywhere(undefined))
        assert.deepStrictEqual(yield* carriers(other), everywhere(b))
        assert.lengthOf(yield* writes, 4)
      }),
    )

    it.effect(
      "duplicate hosts collapse, host bits are cleared with a warning, and nothing is rewritten afterwards",
      () =>
        Effect.gen(function* () {
          const { carriers, daemon: start, proxy, writes } = yield* stand
          const daemon = yield* start("-m", "http", "--route-recheck-interval", "1")
          const posted = yield* daemon.post("/route_spec", { "10.66.17.5/24": [a, a], [other]: [secondOfA, secondOfA] })
          assert.strictEqual(posted.status, 200)
          for (const warned of ["10.66.17.5/24", other]) assert.include(posted.text, warned)
          assert.deepStrictEqual((yield* daemon.get("/route_spec")).json, { [net]: [a], [other]: [secondOfA] })
          yield* carried(daemon, net, a)
          yield* carried(daemon, other, secondOfA)
          yield* daemon.logged("spec: ")
          assert.lengthOf(yield* writes, 8)
          yield* proxy.forget
          yield* daemon.rechecks(3)
          assert.deepStrictEqual(yield* writes, [])
          assert.deepStrictEqual(yield* carriers(net), everywhere(a))
          assert.deepStrictEqual(yield* carriers(other), everywhere(a))
        }),
    )

    it.effect("every option has a variable in the environment; -a, -p and -l say where it serves and logs", () =>
      Effect.gen(function* () {
        const { daemonWith, island, vpc } = yield* stand
        const logfile = join(island.folder, "log")
        const env = {
          VPC_ROUTER_MODE: "fixedconf",
          VPC_ROUTER_FIXED_CIDR: net,
          VPC_ROUTER_FIXED_HOSTS: `${a}:${b}`,
          VPC_ROUTER_VPC: vpc.id,
          VPC_ROUTER_HEALTH: "tcp",
          VPC_ROUTER_ROUTE_RECHECK_INTERVAL: "1",
        }
        const options = { args: ["-a", "127.0.0.1", "-p", "8080"], env, port: 8080 }
        const daemon = yield* daemonWith(options)
        yield* daemon.until("a route", (status) => isSettled(status) && status.routes[net] !== undefined)
        assert.strictEqual((yield* daemon.status).sources.health.name, "tcp")
        yield* daemon.signal("SIGTERM")
        yield* daemon.exit
        const second = yield* daemonWith({ ...options, args: [...options.args, "-l", logfile], logsElsewhere: true })
        yield* second.until("its own route", (status) => isSettled(status) && status.routes[net] !== undefined)
        assert.include(yield* Effect.promise(() => readFile(logfile, "utf8")), "spec in force: 1 CIDR, 2 hosts")
        assert.strictEqual(second.output(), "")
      }),
    )
  })
})
