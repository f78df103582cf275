// npm run bench:false-failovers: how often living hosts are failed by bursty loss, on a virtual clock, by this project's detector and by plain
// k of n. Prints Markdown tables, and draws docs/images/false-failovers.svg. Everything is seeded: each run gives the same figures.
//
// The paths are Gilbert–Elliott ones with the parameters of src/domain/LossModel.ts, which were written down, with their sources, before
// any of this was run. The curve shows what becomes of it where bad spells are shorter or longer than assumed.
import { writeFileSync } from "node:fs"
import { detectionBound, detectorOptions, falseFailoversPerDay, forHosts } from "../src/domain/DetectorOptions.ts"
import { assumedLoss } from "../src/domain/LossModel.ts"
import { kOfN, kOfNBound, type Method, ours } from "../test/support/detection/Detectors.ts"
import { watchLossyPaths, watchWithPauses } from "../test/support/detection/LossyPaths.ts"
import { ratioAtLeast } from "../test/support/detection/PoissonRatio.ts"
import { chart } from "./Chart.ts"

const hosts = 1_000
const day = 86_400_000
const seed = 20_261_123

const options = forHosts(detectorOptions(), hosts)
const fast = forHosts(detectorOptions(undefined, 2, "fast"), hosts)
const meanInterval = (interval: number) => interval * 0.95
/** Within our detection time and with our probe rate no plain k of n but 1 of 1 is possible. The others send more. */
const plain = { interval: 950, timeout: 500, k: 1, n: 1 }
const plain2 = { interval: 650, timeout: 150, k: 2, n: 2 }
const plain3 = { interval: 433, timeout: 150, k: 3, n: 3 }

interface Contender {
  readonly words: string
  readonly method: Method
  readonly bound: number
  readonly interval: number
}

const contenders: ReadonlyArray<Contender> = [
  {
    words: `this detector, ${options.fall} misses`,
    method: ours(options),
    bound: detectionBound(options),
    interval: meanInterval(1_000),
  },
  {
    words: "this detector, --fall 3",
    method: ours(detectorOptions(3)),
    bound: detectionBound(detectorOptions(3)),
    interval: meanInterval(1_000),
  },
  {
    words: `this detector, --detect fast, ${fast.fall} misses`,
    method: ours(fast),
    bound: detectionBound(fast),
    interval: meanInterval(300),
  },
  { words: "plain 1 of 1", method: kOfN(plain), bound: kOfNBound(plain), interval: plain.interval },
  { words: "plain 2 of 2", method: kOfN(plain2), bound: kOfNBound(plain2), interval: plain2.interval },
  { words: "plain 3 of 3", method: kOfN(plain3), bound: kOfNBound(plain3), interval: plain3.interval },
]

const watch = (method: Method, calmInterval: number, lasts = assumedLoss.lasts) =>
  watchLossyPaths(method, { model: { ...assumedLoss, lasts }, paths: hosts, lasts: day, calmInterval, seed }).failures
const pauses = (method: Method) =>
  watchWithPauses(method, { paths: hosts, lasts: day, every: 600_000, length: 2_000, seed }).failures

const results = contenders.map((one) => ({
  ...one,
  lossy: watch(one.method, one.interval),
  paused: pauses(one.method),
}))
const base = results.find(({ words }) => words === "plain 1 of 1")?.lossy ?? 0
process.stdout.write(
  [
    `${hosts} hosts that live, 24 hours; seed ${seed}`,
    "",
    "| method | dead host found within | probes a second | failed by loss | fewer than plain 1 of 1 (95 %) | failed by pauses of the monitor |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
    ...results.map(({ bound, interval, lossy, paused, words }) => {
      const least = `≥ ${ratioAtLeast(base, lossy).toFixed(0)} ×`
      const ratio = lossy >= base ? "" : lossy === 0 ? least : `${(base / lossy).toFixed(0)} × (${least})`
      return `| ${words} | ${bound.toFixed(0)} ms | ${(1_000 / interval).toFixed(2)} | ${lossy} | ${ratio} | ${paused} |`
    }),
    "",
  ].join("\n"),
)

const lengths = [10, 20, 50, 100, 200, 500, 1_000]
const seen = (method: Method, interval: number) => lengths.map((x) => ({ x, y: watch(method, interval, x) }))
const reckoned = (chosen: typeof options) =>
  lengths.map((x) => ({ x, y: falseFailoversPerDay(chosen, hosts, { ...assumedLoss, lasts: x }) }))
const svg = chart({
  title: `False failovers a day: ${hosts.toLocaleString("en")} living hosts, found dead within 1.45 s`,
  subtitle:
    "One bad spell an hour on each path, in which half of all packets are lost; besides, 1 in 100,000. Hollow: none was seen.",
  xWords: "mean length of a bad spell, ms (assumed: 100)",
  yWords: "false failovers a day",
  xTicks: lengths,
  y: [-4, 5],
  level: { y: 1, words: "accepted" },
  series: [
    {
      words: "plain 1 of 1, the same probe rate, seen",
      colour: "#c2410c",
      kind: "dots",
      points: seen(kOfN(plain), plain.interval),
    },
    {
      words: `this detector, ${options.fall} misses, seen`,
      colour: "#1d4ed8",
      kind: "dots",
      points: seen(ours(options), meanInterval(1_000)),
    },
    {
      words: `this detector, ${options.fall} misses, by the formula`,
      colour: "#1d4ed8",
      kind: "line",
      points: reckoned(options),
    },
    {
      words: "this detector, --fall 3, by the formula",
      colour: "#0e7490",
      kind: "line",
      points: reckoned(detectorOptions(3)),
    },
    {
      words: "plain 3 of 3, 2.2 × the probe rate, seen",
      colour: "#8a8f98",
      kind: "dots",
      points: seen(kOfN(plain3), plain3.interval),
    },
  ],
})
writeFileSync(new URL("../docs/images/false-failovers.svg", import.meta.url), svg)
