import { Effect } from "effect"
import { cable, type Namespace, namespace } from "./Namespaces.ts"
import type { RunningProber } from "./RunningProber.ts"

/** A zone with hosts 10.`subnet`.0.1 and following, each of which answers, and a packet filter that drops nothing yet. */
export const zone = Effect.fnUntraced(function* (monitor: Namespace, device: string, subnet: number) {
  const hosts = yield* namespace()
  yield* cable(monitor, hosts, device, subnet - 200)
  yield* monitor.ip(`route add 10.${subnet}.0.0/16 via 10.215.${subnet - 200}.2`)
  yield* hosts.ip(`route add local 10.${subnet}.0.0/16 dev lo`)
  yield* hosts.nft(`
    table inet test {
      set dead { type ipv4_addr; }
      set mute { type ipv4_addr; }
      chain input {
        type filter hook prerouting priority 0;
        ip daddr @dead drop
      }
      chain output {
        type filter hook output priority 0;
        ip saddr @mute drop
      }
    }`)
  return hosts
})

/** Addresses of a {@link zone}. */
export const addresses = (subnet: number, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `10.${subnet}.${(index + 1) >> 8}.${(index + 1) & 255}`)

/** Lets whatever comes to the hosts of a zone get lost by this rule of nftables, such as `numgen random mod 100 < 2`. */
export const lose = (hosts: Namespace, rule: string) => hosts.nft(`insert rule inet test input ${rule} drop`)

/** Lets everything through again. */
export const heal = (hosts: Namespace) => hosts.nft("flush chain inet test input\nflush chain inet test output")

/**
 * Lets every ping to a zone get lost for some milliseconds, again and again, with pauses between two lengths, so that it is another moment of the
 * prober's rhythm each time. The kernel ends each spell, however busy this machine is. Gives how many pings were lost.
 */
export const loseInSpells = Effect.fnUntraced(function* (
  hosts: Namespace,
  {
    lasts,
    pauses: [least, most],
    times,
  }: {
    readonly times: number
    readonly lasts: number
    readonly pauses: readonly [least: number, most: number]
  },
) {
  yield* hosts.nft("add set inet test spell { type inet_proto; flags timeout; }")
  yield* lose(hosts, "meta l4proto @spell counter")
  for (let n = 0; n < times; n++) {
    yield* Effect.sleep(least + (((n * 370) % 1000) / 1000) * (most - least))
    yield* hosts.nft(`add element inet test spell { icmp timeout ${lasts}ms }`)
  }
  yield* Effect.sleep("2 seconds")
  const rules = yield* hosts.exec("nft", "list", "chain", "inet", "test", "input")
  return Number(/counter packets (\d+)/.exec(rules)?.[1])
})

/** Waits until these hosts, and maybe others, have this verdict. */
export const allAre = (prober: RunningProber, hosts: ReadonlyArray<string>, verdict: string) =>
  prober.until(`${hosts.length} hosts are ${verdict}`, () =>
    hosts.every((host) => prober.verdicts().get(host) === verdict),
  )

/** The hosts that were ever found failed, each as often as it became so, in order. A verdict may be said again. */
export const everFailed = (prober: RunningProber): ReadonlyArray<string> => {
  const last = new Map<string, string>()
  return prober.findings.flatMap((finding) => {
    if (!("host" in finding)) return []
    const before = last.get(finding.host)
    last.set(finding.host, finding.verdict)
    return finding.verdict === "Failed" && before !== "Failed" ? [finding.host] : []
  })
}

/** How long it took from a time until a host was found failed thereafter. */
export const failedAfter = (prober: RunningProber, host: string, from: number): number =>
  (prober.findings.find((one) => "host" in one && one.host === host && one.verdict === "Failed" && one.at >= from)
    ?.at ?? Infinity) - from
