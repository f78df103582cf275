import { chmodSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { version } from "../../../src/runtime/Version.ts"
import { freePort } from "../../support/ec2/FreePort.ts"
import { type Ended, finish, start } from "./Running.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

/** Ended as a program does that cannot do what it was asked to: with these lines on standard error, and nothing else. */
const refused = ({ code, signal, stderr, stdout }: Ended, ...starts: ReadonlyArray<string>) => {
  const lines = stderr.trimEnd().split("\n")
  starts.forEach((start, index) => assert.include(lines[index] ?? "", start))
  assert.deepStrictEqual(
    lines.slice(starts.length).filter((line) => line !== "vpc-router --help shows all options."),
    [],
  )
  assert.deepStrictEqual([code, signal, stdout], [1, null, ""])
}

/** A VPC without hosts, of which checks may be asked that would ask real hosts. */
const emptyVpc = Effect.map(temporaryFolder, (folder) => {
  const file = join(folder, "empty.json")
  const topology = { vpc: { id: "vpc-1", cidrs: ["10.0.0.0/16"] }, hosts: [], tables: [{ id: "rtb-1", main: true }] }
  writeFileSync(file, JSON.stringify(topology))
  // For whoever runs without privileges.
  chmodSync(folder, 0o755)
  return ["-m", "http", "-p", "0", "--simulate", file]
})

const simulated = ["-m", "http", "--simulate", "-p", "0", "--log-level", "error"]

describe("the command line", () => {
  it.live("--help goes to standard output, shows an example and every group, and ends with 0", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* finish(["--help"])
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.include(stdout, "vpc-router -m configfile -f route-spec.json -r us-east-1 -v vpc-350d6a51")
      assert.include(stdout, "--simulate [FILE]")
    }),
  )

  it.live("--version is one line; -v is the VPC, so it has no short form", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* finish(["--version"])
      assert.deepStrictEqual([code, stdout], [0, `vpc-router ${version}\n`])
      refused(yield* finish(["-m", "http", "-r", "us-east-1", "-v", "350d6a51"]), "vpc-router: --vpc: expected")
    }),
  )

  it.live("without arguments it says everything that it needs", () =>
    Effect.gen(function* () {
      refused(yield* finish([]), "vpc-router: --mode: ", "vpc-router: --region: ", "vpc-router: --vpc: ")
    }),
  )

  it.live("an unknown option names the nearest one, and a value that is missing the option", () =>
    Effect.gen(function* () {
      const unknown = yield* finish(["-m", "http", "--simulat"])
      refused(unknown, "vpc-router: --simulat: there is no such option; did you mean --simulate?")
      for (const [option, meant] of [
        ["--hlep", "; did you mean --help?"],
        ["--tabels", "; did you mean --tables?"],
        ["--foo", ""],
        ["-x", ""],
        ["-V", "; did you mean --version?"],
        ["-M", "; did you mean -m?"],
      ] as const) {
        const { stderr } = yield* finish([option])
        assert.strictEqual(stderr.split("\n")[0], `vpc-router: ${option}: there is no such option${meant}`)
      }
      refused(yield* finish(["--watch"]), "vpc-router: --watch: it is an option of vpc-router status")
      refused(
        yield* finish(["help"]),
        `vpc-router: expected options, or a command in front of them; got "help"; did you mean --help?`,
      )
      refused(yield* finish(["--file"]), "vpc-router: --file: expected")
      refused(yield* finish(["-m", "http", "--simulate", "-p", "0", "extra", "words"]), `got "extra"`)
    }),
  )

  it.live("commands that ask a daemon say that it is --url that names its place, not the daemon's own options", () =>
    Effect.gen(function* () {
      const cases = [
        ["-p", "status", "-p", "4000"],
        ["--port", "drain", "10.33.20.93", "--port", "4000"],
        ["--address", "undrain", "10.33.20.93", "--address=10.33.20.5"],
      ] as const
      const ended = yield* Effect.forEach(cases, ([, ...args]) => finish(args), { concurrency: 3 })
      ended.forEach(({ stderr }, at) => {
        const [option, name] = cases[at] ?? []
        assert.strictEqual(
          stderr.split("\n")[0],
          `vpc-router: ${option}: there is no such option of vpc-router ${name}: --url http://HOST:PORT says where the daemon serves`,
        )
      })
      const port = String(yield* freePort)
      refused(
        yield* finish(["status"], { environment: { VPC_ROUTER_PORT: port } }),
        `vpc-router: --url: no daemon answers at http://localhost:${port}: connect ECONNREFUSED 127.0.0.1:${port} (--url http://HOST:PORT says where it serves, if elsewhere)`,
      )
    }),
  )

  it.live("a value that an option does not take is said in words, not in those of the parser", () =>
    Effect.gen(function* () {
      for (const option of ["--help", "--version"])
        refused(yield* finish([`${option}=foo`]), `vpc-router: ${option}: expected without a value, got "foo"`)
      const completions = yield* finish(["--completions", "tcsh"])
      refused(completions, `vpc-router: --completions: expected bash, zsh, fish or powershell, got "tcsh"`)
    }),
  )

  it.live("words are taken in any case, ids and tags as they are written", () =>
    Effect.gen(function* () {
      const words = ["-m", "HTTP", "--log-level", "DEBUG", "--log-format", "Json", "--tables", "MAIN,Tag:Name=zone A"]
      const daemon = yield* start([...words, "--simulate", "-p", "0"])
      yield* daemon.logged("--tables tag:Name=zone A matches no route table")
      yield* daemon.url
      const ids = yield* finish([...simulated, "--tables", "RTB-00main"])
      refused(ids, `vpc-router: --tables: expected all, main, the id of a route table`)
    }),
  )

  it.live("several wrong values are one answer", () =>
    Effect.gen(function* () {
      refused(
        yield* finish([
          "-m",
          "http",
          "--simulate",
          "-H",
          "tcp",
          "--tcp_check_port",
          "ssh",
          "--tables",
          "maim",
          "-p",
          "99999",
        ]),
        "vpc-router: --tcp-check-port: expected a whole number",
        "vpc-router: --tables: expected all, main",
        "vpc-router: --port: expected",
      )
    }),
  )

  it.live("a faulty fixed spec is refused with all its faults", () =>
    Effect.gen(function* () {
      const args = ["-m", "fixedconf", "--simulate", "--fixed_cidr", "10.66.17.0/44", "--fixed_hosts", "10.0.0.1:x"]
      refused(yield* finish(args), "vpc-router: --fixed-cidr: ", "vpc-router: --fixed-hosts: ")
    }),
  )
})

describe("what keeps it from starting", () => {
  it.live("a topology with faults: each is a line with its place", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "topology.json")
      const topology = {
        vpc: { id: "vpc-1", cidrs: ["10.0.0.0/16"] },
        hosts: [{ interface: "eni-1", addresses: ["10.0.0.300"] }],
        tables: [{ id: "table", main: true }],
      }
      writeFileSync(file, JSON.stringify(topology))
      const faulty = ["-m", "http", "-p", "0", "--simulate", file]
      refused(
        yield* finish(faulty),
        `vpc-router: --simulate: ${file}: $.hosts[0].addresses[0]: `,
        `vpc-router: --simulate: ${file}: $.tables[0].id: `,
      )
      writeFileSync(file, "{")
      refused(yield* finish(faulty), `vpc-router: --simulate: ${file}: expected JSON`)
      refused(yield* finish(["-m", "http", "--simulate", join(folder, "none")]), "no such file")
    }),
  )

  it.live("--vpc that is not the simulated VPC", () =>
    Effect.gen(function* () {
      refused(yield* finish([...simulated, "-v", "vpc-1"]), "vpc-router: --vpc: expected vpc-350d6a51")
    }),
  )

  it.live("checks that would ask real hosts for those of the built-in VPC, which exist nowhere", () =>
    Effect.gen(function* () {
      for (const health of ["icmpecho", "tcp", "http"])
        refused(
          yield* finish([...simulated, "-H", health]),
          `vpc-router: --health: expected simulated: ${health} would ask whoever has the addresses of the built-in VPC here`,
        )
      const daemon = yield* start([...(yield* emptyVpc), "-H", "tcp"])
      const { level } = yield* daemon.logged(
        "--health: the hosts are simulated, but tcp asks whoever has their addresses",
      )
      assert.strictEqual(level, "warn")
    }),
  )

  it.live("a log file that cannot be opened", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "none", "vpc-router.log")
      refused(yield* finish([...simulated, "-l", file]), `vpc-router: --logfile: ${file}: `)
    }),
  )

  it.live("a port that is taken", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => void server.close()),
      )
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const args = ["-m", "http", "--simulate", "--log-level", "error", "-p", String(port)]
      refused(yield* finish(args), `vpc-router: --port: cannot listen on 127.0.0.1:${port}`)
    }),
  )

  it.live("a token file that is not there", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "token")
      refused(yield* finish([...simulated, "--token-file", file]), "vpc-router: --token-file: ")
    }),
  )

  it.live("ICMP without CAP_NET_RAW: it says what is missing, and how to get it", () =>
    Effect.gen(function* () {
      const under = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      const bare = [...under, "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]
      const ended = yield* finish([...(yield* emptyVpc), "--log-level", "error", "-H", "icmpecho"], { under: bare })
      refused(ended, "vpc-router: --health icmpecho: ICMP probes need the capability CAP_NET_RAW")
    }),
  )

  it.live("ICMP without the optional package raw-socket: it says what to install, and all else works", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const program = join(folder, "main.mjs")
      // Away from this project's packages, as where raw-socket could not be built.
      yield* Effect.promise(() =>
        build({
          entryPoints: [fileURLToPath(new URL("../../../src/main.ts", import.meta.url))],
          outfile: program,
          bundle: true,
          platform: "node",
          format: "esm",
          mainFields: ["module", "main"],
          external: ["raw-socket"],
          banner: {
            js: `import { createRequire as requirer } from "node:module"; const require = requirer(import.meta.url)`,
          },
          logLevel: "error",
        }),
      )
      const ended = yield* finish([...(yield* emptyVpc), "--log-level", "error", "-H", "icmpecho"], { program })
      refused(ended, "vpc-router: --health icmpecho: ICMP probes need the optional package raw-socket")
      const daemon = yield* start([...(yield* emptyVpc), "-H", "tcp"], { program })
      yield* daemon.url
    }),
  )
})
