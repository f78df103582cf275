// The main job, shown on a simulated VPC: builds, runs `node dist/main.js --mode http --simulate`, and drives it by its
// HTTP API alone. Every fact that is printed was read back from that API. Then it serves until Ctrl-C; with --once it
// ends by itself, with exit code 0 only if the failover was seen. --port N: another port than 33289. --help: says so.
import { spawn, spawnSync } from "node:child_process"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "./setup.mjs"

const usage = `npm run demo [-- [--once] [--port PORT]]

Builds vpc-router, runs it on a simulated VPC, and shows a failover. No AWS account is involved.

  --once        End when it has been shown; exit code 0 only if it was seen.
  --port PORT   Where to serve. Default: 33289.
  --help        Show this.
`
const readArguments = () => {
  const options = { once: { type: "boolean" }, port: { type: "string", default: "33289" }, help: { type: "boolean" } }
  try {
    const { values } = parseArgs({ options })
    if (/^\d{1,5}$/.test(values.port) && Number(values.port) >= 1 && Number(values.port) <= 65_535) return values
    throw new Error(`--port: expected a port from 1 to 65535, got ${JSON.stringify(values.port)}`)
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(1)
  }
}
const values = readArguments()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const base = `http://localhost:${values.port}`
const spec = {
  "10.55.16.0/24": ["10.33.20.93", "10.33.30.22"],
  "10.66.17.0/24": ["10.33.20.93", "10.33.30.22", "10.33.40.11"],
  "10.77.18.0/24": ["10.33.20.101", "10.33.30.22"],
}

/** How long anything may take before the demo gives up, in milliseconds; nothing takes a tenth of it on an idle machine. */
const patience = 30_000
const say = (text) => console.log(text)
const step = (text) => say(`\n▸ ${text}`)

class DemoFailed extends Error {}

const call = async (method, path, body) => {
  const init = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
  const answer = await fetch(base + path, { method, ...init })
  if (!answer.ok) throw new DemoFailed(`${method} ${path} was answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}

/** Asks until the answer is as it should be; gives that answer. */
const until = async (what, ask, isSo) => {
  const end = performance.now() + patience
  let problem = "no answer"
  while (performance.now() < end) {
    try {
      const answer = await ask()
      if (isSo(answer)) return answer
      problem = "not yet so"
    } catch (error) {
      problem = error.message
    }
    if (child.exitCode !== null)
      throw new DemoFailed(`the daemon ended with exit code ${child.exitCode}; --port takes another port`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new DemoFailed(`waited ${patience / 1000} s in vain: ${what} (${problem})`)
}

const status = () => call("GET", "/status")
const cellsOf = ({ tables }) =>
  tables.flatMap(({ id, cells }) => cells.filter((cell) => cell.in_spec).map((cell) => ({ table: id, ...cell })))
const placed = (answer) => cellsOf(answer).length === Object.keys(spec).length * answer.tables.length

const showRoutes = (answer) => {
  for (const cidr of Object.keys(answer.route_spec)) {
    const cells = cellsOf(answer).filter((cell) => cell.cidr === cidr)
    say(`    ${cidr.padEnd(15)} ${cells.map(({ table, ip }) => `${table} → ${ip}`).join("   ")}`)
  }
}

const story = async () => {
  // Not before: another daemon may be serving there, and its spec is none of ours to change.
  await until(
    "the daemon serves",
    async () => log,
    (lines) => lines.includes("HTTP on "),
  )
  await until(
    "the daemon is ready",
    () => call("GET", "/readyz"),
    ({ ready }) => ready,
  )
  const { vpc, tables, version } = await status()
  say(
    `vpc-router ${version} serves on ${base}; simulated VPC ${vpc} with the route tables ${tables.map(({ id }) => id).join(", ")}`,
  )

  step("A route spec is posted: which hosts may carry each destination CIDR")
  for (const [cidr, hosts] of Object.entries(spec)) say(`    ${cidr.padEnd(15)} ${hosts.join(", ")}`)
  await call("POST", "/route_spec", spec)
  const before = await until("every table has its routes", status, placed)
  step("Each CIDR has a route in every table, to one healthy host:")
  showRoutes(before)

  const carriedBy = (host) => cellsOf(before).filter(({ ip }) => ip === host)
  const hosts = before.hosts.map(({ ip }) => ip)
  const victim = hosts.reduce((most, host) => (carriedBy(host).length > carriedBy(most).length ? host : most))
  const carried = carriedBy(victim)
  const kept = cellsOf(before).filter(({ ip }) => ip !== victim)
  step(`Host ${victim} hangs; it carries ${carried.length} routes. EC2 notices nothing`)
  const failedAt = Date.parse((await status()).now)
  await call("POST", `/simulation/hosts/${victim}/fail`)
  const isMoved = (answer) => placed(answer) && cellsOf(answer).every(({ ip }) => ip !== victim)
  const after = await until("the routes moved", status, isMoved)
  const failover = after.failovers.find(({ host }) => host === victim)
  const since = (time) => `${Math.round(Date.parse(time) - failedAt)} ms`
  step(`Its routes moved, ${since(failover.last_write_at)} after it fell silent:`)
  showRoutes(after)
  say(
    `    verdict after ${since(failover.failed_at)} (${failover.why}); ${failover.moved} routes written, the last ${Math.round(failover.last_write_ms)} ms later`,
  )
  const same = (a, b) => a.table === b.table && a.cidr === b.cidr && a.ip === b.ip
  if (failover.moved !== carried.length) throw new DemoFailed(`${failover.moved} routes moved, not ${carried.length}`)
  if (!kept.every((cell) => cellsOf(after).some((other) => same(cell, other))))
    throw new DemoFailed("a route of a healthy host moved")

  step(`Host ${victim} returns`)
  await call("POST", `/simulation/hosts/${victim}/heal`)
  const isBack = ({ hosts }) => hosts.some(({ ip, verdict }) => ip === victim && verdict === "healthy")
  await until("the host is healthy again", status, isBack)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const last = await status()
  if (!cellsOf(after).every((cell) => cellsOf(last).some((other) => same(cell, other))))
    throw new DemoFailed("a route moved back")
  step("It is healthy again, and no route moved back: a healthy host keeps its routes")
  showRoutes(last)
}

const built = spawnSync(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root, stdio: ["ignore", 2, 2] })
if (built.status !== 0) process.exit(1)

const isTerminal = process.stdout.isTTY === true
const pretty = isTerminal ? ["--log-format", "pretty"] : []
const args = ["dist/main.js", "--mode", "http", "--simulate", "--port", values.port, ...pretty]
say(`$ node ${args.join(" ")}`)
const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] })
// The daemon's log is kept out of the story; it is shown if the story goes wrong, and afterwards.
let log = ""
let isTold = false
child.stdout.setEncoding("utf8").on("data", (text) => {
  if (isTold) process.stdout.write(text)
  else log = (log + text).slice(-100_000)
})
const ended = new Promise((resolve) => child.once("exit", resolve))
let isStopping = false
const stop = async () => {
  isStopping = true
  child.kill("SIGTERM")
  await ended
}
// SIGHUP, too: the daemon itself goes on when its terminal closes.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(signal, () => stop().then(() => process.exit(isTold ? 0 : 130)))

try {
  await story()
} catch (error) {
  // What Ctrl-C cuts off has not failed; its handler ends the process.
  if (isStopping) await new Promise(() => undefined)
  process.stdout.write(log)
  console.error(`\nThe demo failed: ${error instanceof DemoFailed ? error.message : error.stack}`)
  await stop()
  process.exit(1)
}
if (values.once) {
  await stop()
  process.exit(0)
}
say(`
It goes on serving until Ctrl-C. Look at ${base}/ in a browser, or try in another terminal:

    curl ${base}/status
    curl -X POST ${base}/simulation/hosts/10.33.30.22/fail
    curl -X POST -H 'Content-Type: application/json' ${base}/route_spec -d '{"10.66.17.0/24": ["10.33.40.11"]}'

The daemon's log:
`)
process.stdout.write(log)
isTold = true
await ended
