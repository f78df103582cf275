import { randomBytes, randomInt } from "node:crypto"
import { Clock, Effect, Result, type Scope } from "effect"
import { type Family, familyOf, parseIp } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import { encodeRequest, type OwnMark, sequenceOfOwn } from "./IcmpPacket.ts"
import type { Probe, ProbeSink, ProbeTransport, ProbeUnavailable } from "./Probe.ts"
import { type IcmpSocket, openIcmp } from "./RawSocket.ts"

/**
 * ICMP echo (ping): one raw socket a family for all hosts. A raw socket sees the replies to every process of the machine, so
 * ours carry an identifier of their own and a random 64-bit cookie, which nobody off the path can guess; both are new with
 * every opening. A reply counts for the host it comes from and the sequence it repeats.
 *
 * A packet that this machine refuses to send (no route, no buffer, a firewall's rule) is reported as unsent. On a machine
 * without IPv6 all probes of IPv6 hosts are. Link-local hosts cannot be asked: raw-socket knows no zones.
 */
export const probe: Probe["Service"] = {
  name: "icmpecho",
  open: Effect.fnUntraced(function* (sink: ProbeSink): Effect.fn.Return<ProbeTransport, ProbeUnavailable, Scope.Scope> {
    const clock = yield* Clock.Clock
    const own = yield* Effect.sync((): OwnMark => ({
      cookie: Uint8Array.from(randomBytes(8)),
      identifier: randomInt(0x10000),
    }))
    const listener = (family: Family) => ({
      died: sink.died,
      message: (message: Uint8Array, source: string) => {
        const sequence = sequenceOfOwn(own, family, message)
        if (sequence === undefined) return
        const host = parseIp(source)
        if (Result.isSuccess(host)) sink.replied(host.success, sequence, nowUnsafe(clock))
      },
    })
    const ipv4 = yield* openIcmp(4, listener(4))
    const ipv6 = yield* Effect.result(openIcmp(6, listener(6)))
    const socketFor = (family: Family): Result.Result<IcmpSocket, ProbeUnavailable> =>
      family === 4 ? Result.succeed(ipv4) : ipv6
    return {
      send: (batch) =>
        Effect.sync(() => {
          for (const { host, sequence } of batch) {
            const family = familyOf(host)
            const socket = socketFor(family)
            if (Result.isFailure(socket)) sink.unsent(host, sequence, socket.failure.why)
            else {
              const packet = encodeRequest(family, { ...own, sequence })
              socket.success.send(packet, host, (why) => sink.unsent(host, sequence, why))
            }
          }
        }),
    }
  }),
}
