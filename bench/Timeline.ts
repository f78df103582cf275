// npm run bench:timeline: one failover on the simulated VPC, stage by stage, drawn to docs/images/failover-timeline.svg.
import { writeFileSync } from "node:fs"
import { main, pause, start, stop, until } from "./RunningServer.ts"

/** What is read of `GET /status`. */
interface Status {
  readonly now: string
  readonly tables: ReadonlyArray<{
    readonly cells: ReadonlyArray<{ readonly in_spec: boolean; readonly ip: string | null }>
  }>
  readonly hosts: ReadonlyArray<{ readonly ip: string; readonly able: boolean }>
  readonly failovers: ReadonlyArray<{
    readonly silent_since: string | null
    readonly failed_at: string
    readonly first_write_at: string | null
    readonly last_write_at: string | null
    readonly verified_at: string | null
    readonly moved: number
  }>
}

const hosts = ["10.33.20.93", "10.33.30.22"]
const spec = Object.fromEntries(Array.from({ length: 24 }, (_, n) => [`10.66.${n}.0/24`, hosts]))

const measure = async () => {
  const running = await start(
    [main, "--mode", "http", "--simulate", "--port", "0", "--route-recheck-interval", "1"],
    "/readyz",
  )
  const status = async (): Promise<Status> => (await fetch(`${running.url}/status`)).json() as Promise<Status>
  const headers = { "content-type": "application/json" }
  // EC2's buckets hold 50 creations; so few that a failover of half of them needs no refill.
  await fetch(`${running.url}/route_spec`, { method: "POST", headers, body: JSON.stringify(spec) })
  const carried = ({ tables }: Status, host?: string) =>
    tables.flatMap(({ cells }) => cells).filter(({ in_spec, ip }) => in_spec && (host === undefined || ip === host))
      .length
  await until(async () => (carried(await status()) === 72 ? true : undefined))
  const [victim = ""] = hosts
  // Just after an answer is the worst moment: a whole interval passes before anybody asks again.
  await pause(500)
  const silentFrom = Date.parse((await status()).now)
  await fetch(`${running.url}/simulation/hosts/${victim}/fail`, { method: "POST" })
  const failover = await until(async () => {
    const [latest] = (await status()).failovers
    return latest?.verified_at === null ? undefined : latest
  })
  await stop(running)
  const at = (time: string | null): number => Date.parse(time ?? "") - silentFrom
  return {
    moved: failover.moved,
    asked: at(failover.silent_since),
    verdict: at(failover.failed_at),
    firstWrite: at(failover.first_write_at),
    lastWrite: at(failover.last_write_at),
    verified: at(failover.verified_at),
  }
}

type Stages = Awaited<ReturnType<typeof measure>>

const width = 760
const left = 24
const top = 56

const draw = ({ asked, firstWrite, lastWrite, moved, verdict, verified }: Stages): string => {
  const x = (millis: number): number => left + (millis / verified) * (width - 2 * left)
  const stages = [
    { from: 0, to: asked, colour: "#8a8f98", words: "silent, not asked yet" },
    { from: asked, to: verdict, colour: "#c2410c", words: "three probes missed" },
    { from: verdict, to: firstWrite, colour: "#1d4ed8", words: "decided, first route written" },
    { from: firstWrite, to: lastWrite, colour: "#0e7490", words: `all ${moved} routes written` },
    { from: lastWrite, to: verified, colour: "#15803d", words: "seen by a reading of EC2" },
  ]
  const rows = stages.map(({ colour, from, to, words }, n) => {
    const y = top + n * 34
    const text = x(from) > width / 2 ? { x: x(from) - 8, anchor: "end" } : { x: x(to) + 8, anchor: "start" }
    const label = `${words}: ${Math.round(from)} → ${Math.round(to)} ms`
    return [
      `<rect x="${x(from).toFixed(1)}" y="${y}" width="${Math.max(3, x(to) - x(from)).toFixed(1)}" height="22" rx="3" fill="${colour}"/>`,
      `<text x="${text.x.toFixed(1)}" y="${y + 16}" text-anchor="${text.anchor}">${label}</text>`,
    ].join("\n  ")
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top + stages.length * 34 + 12}" role="img" aria-label="The stages of one failover">
  <style>text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 15px }</style>
  <rect width="100%" height="100%" fill="#ffffff"/>
  <text class="title" x="${left}" y="30">One failover: a host with ${moved} routes falls silent at 0 ms (simulated VPC, 25 ms a call)</text>
  ${rows.join("\n  ")}
</svg>
`
}

const stages = await measure()
const file = new URL("../docs/images/failover-timeline.svg", import.meta.url)
writeFileSync(file, draw(stages))
process.stdout.write(`${JSON.stringify(stages)}\n`)
