import { MetadataService } from "@aws-sdk/ec2-metadata-service"
import { Data, Effect } from "effect"
import { VpcId } from "../../domain/Ids.ts"

/** Where the instance that this process runs on is, or at least in which VPC, cannot be told; `why` is for the operator. */
export class WhereaboutsUnknown extends Data.TaggedError("WhereaboutsUnknown")<{
  readonly why: string
  readonly isRegionKnown?: boolean
}> {
  override get message(): string {
    return this.why
  }
}

/** Where EC2 serves the metadata of an instance. */
export const metadataEndpoint = { IPv4: "http://169.254.169.254", IPv6: "http://[fd00:ec2::254]" }

/** How long all requests may take together, and each of them. Milliseconds. */
const patience = 2_000
const requestLimit = 900
/** Instances have 15 interfaces or fewer, but for a few of the largest. */
const maxInterfaces = 64
const concurrency = 8

const regionPattern = /^[a-z]{2,}(-[a-z0-9]+){2,}$/
const vpcPattern = /^vpc-[0-9a-z]+$/
const interfacePattern = /^eni-[0-9a-z]+$/
const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/

/** The instance metadata service, as version 2 of its protocol has it: no request without a token. */
interface Metadata {
  /** The text at a path below `latest/meta-data/`; fails with what EC2 says of one that is not there. */
  readonly read: (path: string) => Effect.Effect<string, WhereaboutsUnknown>
}

const statusIn = (thrown: unknown): string | undefined => /status code (\d{3})/.exec(String(thrown))?.[1]

const openMetadata = Effect.fnUntraced(function* (endpoint: string): Effect.fn.Return<Metadata, WhereaboutsUnknown> {
  const fault = (path: string) => (thrown: unknown) => {
    const status = statusIn(thrown)
    return new WhereaboutsUnknown({
      why:
        status === undefined
          ? `nothing answers at ${endpoint} as instance metadata do: is this an EC2 instance (in a container, one with a hop limit of 2)?`
          : `instance metadata at ${endpoint} answered ${status} to ${path}`,
    })
  }
  // The SDK would put a slash between the endpoint's path and ours where there is one already.
  const base = endpoint.endsWith("/") ? endpoint : `${endpoint}/`
  // It gets its token from us: left to itself it goes on without one where it gets none, which is version 1.
  const client = new MetadataService({
    endpoint: base,
    httpOptions: { timeout: requestLimit },
    retries: 1,
    backoff: 0.1,
    disableFetchToken: true,
    ec2MetadataV1Disabled: false,
  })
  const token = yield* Effect.tryPromise({
    try: () => client.fetchMetadataToken(),
    catch: fault("a request for a token"),
  })
  return {
    read: (path) =>
      Effect.tryPromise({
        try: () =>
          client.request(`latest/meta-data/${path}`, { method: "GET", headers: { "x-aws-ec2-metadata-token": token } }),
        catch: fault(path),
      }).pipe(Effect.map((text) => text.trim())),
  }
})

const readAs = Effect.fnUntraced(function* (
  { read }: Metadata,
  path: string,
  pattern: RegExp,
): Effect.fn.Return<string, WhereaboutsUnknown> {
  const text = yield* read(path)
  if (pattern.test(text)) return text
  const shown = JSON.stringify(text.slice(0, 40))
  return yield* new WhereaboutsUnknown({ why: `instance metadata gave ${shown} for ${path}, which cannot be meant` })
})

/** The VPC that all interfaces of the instance are in. */
const readVpc = Effect.fnUntraced(function* (metadata: Metadata): Effect.fn.Return<VpcId, WhereaboutsUnknown> {
  const path = "network/interfaces/macs/"
  const listed = (yield* metadata.read(path)).split("\n").map((line) => line.trim().replace(/\/$/, ""))
  const macs = listed.filter((mac) => macPattern.test(mac)).sort()
  if (macs.length === 0 || macs.length !== listed.length || macs.length > maxInterfaces)
    return yield* new WhereaboutsUnknown({ why: `instance metadata gave no list of interfaces for ${path}` })
  const found = yield* Effect.forEach(
    macs,
    (mac) =>
      Effect.all({
        vpc: readAs(metadata, `${path}${mac}/vpc-id`, vpcPattern),
        id: readAs(metadata, `${path}${mac}/interface-id`, interfacePattern),
      }),
    { concurrency },
  )
  const vpcs = [...new Set(found.map(({ vpc }) => vpc))].sort()
  const [only, ...more] = vpcs
  if (only !== undefined && more.length === 0) return VpcId(only)
  const each = vpcs.map((vpc) => {
    const ids = found.filter((one) => one.vpc === vpc).map(({ id }) => id)
    return `${vpc} (${ids.sort().join(", ")})`
  })
  return yield* new WhereaboutsUnknown({
    why: `the interfaces of this instance are in several VPCs: ${each.join(" and ")}`,
  })
})

/** What is known already; the rest is asked for. */
export interface Known {
  readonly vpcId: VpcId | undefined
  readonly region: string | undefined
}

export interface Whereabouts {
  readonly vpcId: VpcId
  readonly region: string
}

/**
 * Fills in what is not known of where the instance is that this process runs on, within 2 s, from its metadata at `endpoint`
 * (EC2 user guide, "Instance metadata categories"): IMDSv2 only. The VPC is never taken for one of another region.
 */
export const whereAmI = Effect.fnUntraced(
  function* (known: Known, endpoint: string): Effect.fn.Return<Whereabouts, WhereaboutsUnknown> {
    if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
      return yield* new WhereaboutsUnknown({
        why: `AWS_EC2_METADATA_SERVICE_ENDPOINT: expected a URL, got ${JSON.stringify(endpoint)}`,
      })
    const metadata = yield* openMetadata(endpoint)
    const here = yield* readAs(metadata, "placement/region", regionPattern)
    if (known.vpcId !== undefined) return { vpcId: known.vpcId, region: known.region ?? here }
    if (known.region !== undefined && known.region !== here)
      return yield* new WhereaboutsUnknown({
        why: `this instance is in ${here}, so its VPC cannot be meant when the region is ${known.region}`,
      })
    const vpcId = yield* Effect.mapError(
      readVpc(metadata),
      ({ why }) => new WhereaboutsUnknown({ why, isRegionKnown: true }),
    )
    return { vpcId, region: here }
  },
  (asking, _, endpoint) =>
    Effect.timeoutOrElse(asking, {
      duration: patience,
      orElse: () =>
        Effect.fail(
          new WhereaboutsUnknown({
            why: `instance metadata at ${endpoint} gave no whole answer within ${patience / 1_000} s`,
          }),
        ),
    }),
)
