import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { median, type Row } from "./Measure.ts"
import { main, pause, megabytes, start, stop, until } from "./RunningServer.ts"

const emptyServer = `
  const server = require("node:http").createServer((_, response) => response.end("ok"))
  server.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port))`

const startRows = async (): Promise<ReadonlyArray<Row>> => {
  const daemon: Array<number> = []
  const peer: Array<number> = []
  let memory = { daemon: 0, peer: 0 }
  for (let run = 0; run < 5; run++) {
    const ours = await start([main, "--mode", "http", "--simulate", "--port", "0"], "/readyz")
    daemon.push(ours.millis)
    const theirs = await start(["-e", emptyServer], "/")
    peer.push(theirs.millis)
    if (run === 4) {
      await pause(3_000)
      memory = { daemon: megabytes(ours.child.pid ?? 0), peer: megabytes(theirs.child.pid ?? 0) }
    }
    await stop(ours)
    await stop(theirs)
  }
  const what = "an empty Node HTTP server"
  return [
    {
      what: "start until ready to serve",
      figure: median(daemon),
      unit: "ms",
      aim: 500,
      peers: [{ what, figure: median(peer) }],
    },
    { what: "memory, idle", figure: memory.daemon, unit: "MB", aim: 110, peers: [{ what, figure: memory.peer }] },
  ]
}

/** The default topology's hosts on an EC2 that answers at once, so that what is left is our own time. */
const instantTopology = {
  vpc: { id: "vpc-bench", cidrs: ["10.33.0.0/16"] },
  subnets: [{ id: "subnet-1", zone: "us-east-1a", cidrs: ["10.33.20.0/24"] }],
  hosts: [
    { interface: "eni-a", instance: "i-a", addresses: ["10.33.20.10"] },
    { interface: "eni-b", instance: "i-b", addresses: ["10.33.20.11"] },
  ],
  tables: [{ id: "rtb-1", main: true }],
  latencyMillis: 0,
}

/** What is read of `GET /status`. */
interface StatusJson {
  readonly hosts: ReadonlyArray<{ readonly able: boolean }>
  readonly routes: Readonly<Record<string, ReadonlyArray<string>>>
  readonly failovers: ReadonlyArray<{ readonly first_write_ms: number | null }>
}

const failoverRows = async (): Promise<ReadonlyArray<Row>> => {
  const folder = mkdtempSync(join(tmpdir(), "bench-"))
  const file = join(folder, "topology.json")
  writeFileSync(file, JSON.stringify(instantTopology))
  const running = await start([main, "--mode", "http", `--simulate=${file}`, "--port", "0"], "/readyz")
  const call = async (method: string, path: string, body?: string): Promise<StatusJson> =>
    (
      await fetch(running.url + path, {
        method,
        ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }),
      })
    ).json() as Promise<StatusJson>
  const range = "10.66.17.0/24"
  await call("POST", "/route_spec", JSON.stringify({ [range]: ["10.33.20.10", "10.33.20.11"] }))
  const found: Array<number> = []
  for (let run = 0; run < 10; run++) {
    const healthy = async () => (await call("GET", "/status")).hosts.every(({ able }) => able)
    await until(async () => ((await healthy()) ? true : undefined))
    const host: string = await until(async () => (await call("GET", "/status")).routes[range]?.[0])
    await call("POST", `/simulation/hosts/${host}/fail`)
    const millis = await until(async () => {
      const status = await call("GET", "/status")
      return status.failovers.length === run + 1 ? (status.failovers[0]?.first_write_ms ?? undefined) : undefined
    })
    found.push(millis)
    await call("POST", `/simulation/hosts/${host}/heal`)
  }
  await stop(running)
  rmSync(folder, { recursive: true })
  return [
    { what: "verdict to first write done, on an EC2 that answers at once", figure: median(found), unit: "ms", aim: 10 },
  ]
}

export const daemonRows = async (): Promise<ReadonlyArray<Row>> => [...(await startRows()), ...(await failoverRows())]
