import { Context, Effect, Layer, type Scope } from "effect"
import * as Http from "node:http"
import {
  type BucketLimits,
  describes,
  full,
  refilled,
  routeWrites,
  take,
  type TokenBucket,
} from "../../../src/domain/TokenBucket.ts"
import type { FaultProxyRule } from "./Fault.ts"
import { errorXml } from "./Ec2WireXml.ts"

/** A request that came in. */
export interface ProxiedRequest {
  readonly action: string
  readonly form: ReadonlyMap<string, string>
  readonly headers: Http.IncomingHttpHeaders
  /** As the request line has it: a path, or a whole URL from a client that was told to use a proxy. */
  readonly target: string
  /** The HTTP status that it was answered with; undefined: it was not, so far. */
  readonly status: number | undefined
}

export interface FaultProxyHandle {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  /** Adds a rule behind those that stand; the first that matches a request applies. */
  readonly addRule: (rule: FaultProxyRule) => Effect.Effect<void>
  readonly clearRules: Effect.Effect<void>
  /** Gives every action a token bucket; a request without a token is answered with `RequestLimitExceeded`. */
  readonly throttle: (limits: BucketLimits) => Effect.Effect<void>
  /** The same with EC2's own buckets: one for each route write, and larger ones for the calls that read. */
  readonly throttleAsEc2: Effect.Effect<void>
  /** What is left in the bucket of an action. */
  readonly tokens: (action: string) => Effect.Effect<number>
  /** Somebody else of the account makes so many calls. Gives how many of them found a token. */
  readonly takeTokens: (action: string, count: number) => Effect.Effect<number>
  /** All requests so far, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<ProxiedRequest>>
  /** How many requests of each action came in. */
  readonly calls: Effect.Effect<ReadonlyMap<string, number>>
  readonly forget: Effect.Effect<void>
  /** Waits for the next request of an action. Fork it before the request is caused. */
  readonly nextRequest: (action: string) => Effect.Effect<void>
  /** Waits until clients have given this many requests up before they were answered, from the proxy's start on. */
  readonly aborted: (count: number) => Effect.Effect<void>
}

type Writable<A> = { -readonly [Key in keyof A]: A[Key] }

interface StandingRule extends FaultProxyRule {
  left: number
}

const readBody = (request: Http.IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => resolve(Buffer.concat(chunks).toString()))
    request.on("error", reject)
  })

/** CloudWatch and SQS name the operation in a header: `GraniteServiceVersion20100801.DescribeAlarms`. */
const targetOf = ({ headers }: Http.IncomingMessage): string =>
  String(headers["x-amz-target"] ?? "").split(".")[1] ?? ""

const answerXmlError = (response: Http.ServerResponse, status: number, code: string, message: string): void => {
  response.writeHead(status, { "content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": "fault-proxy" })
  response.end(errorXml(code, message, "fault-proxy"))
}

const much = "<a>".repeat(300_000)

/** Writes as fast as it is read. */
const pour = (response: Http.ServerResponse): void => {
  const go = (): void => {
    while (!response.destroyed && response.write(much));
  }
  response.on("drain", go)
  go()
}

const drip = (response: Http.ServerResponse): void => {
  const drops = setInterval(() => response.write("<"), 200)
  response.write("<")
  response.on("close", () => clearInterval(drops))
}

/** Starts the proxy in front of an EC2 endpoint (`http://…`). It ends with the scope, cutting what is open. */
export const startFaultProxy = (upstream: string): Effect.Effect<FaultProxyHandle, never, Scope.Scope> =>
  Effect.gen(function* () {
    const target = new URL(upstream)
    let rules: Array<StandingRule> = []
    let limitsOf: (action: string) => BucketLimits | undefined = () => undefined
    /** The last answer to each request, by its form. */
    const answers = new Map<string, { readonly contentType: string; readonly text: string }>()
    const buckets = new Map<string, TokenBucket>()
    let requests: Array<Writable<ProxiedRequest>> = []
    let requestWaiters: Array<{ readonly action: string; readonly wake: () => void }> = []
    let aborted = 0
    let abortWaiters: Array<{ readonly count: number; readonly wake: () => void }> = []

    const forward = (
      request: Http.IncomingMessage,
      body: string,
      give: (answer: Http.IncomingMessage, text: string) => void,
      fail: () => void,
    ): void => {
      // The signature covers the Host header, so it stays what the client wrote.
      const headers = { ...request.headers, connection: "close" }
      const path = new URL(request.url ?? "/", upstream).pathname
      const options = { host: target.hostname, port: target.port, method: request.method, path, headers }
      const onward = Http.request(options, (answer) => {
        readBody(answer).then((text) => give(answer, text), fail)
      })
      onward.on("error", fail)
      onward.end(body)
    }

    const bucketOf = (action: string): TokenBucket | undefined => {
      const limits = limitsOf(action)
      const at = performance.now()
      return limits === undefined ? undefined : refilled(buckets.get(action) ?? full(limits, at), at)
    }

    const isThrottled = (action: string): boolean => {
      const bucket = bucketOf(action)
      if (bucket === undefined) return false
      const taken = take(bucket, bucket.at)
      buckets.set(action, taken.bucket)
      return taken.waitMillis > 0
    }

    const throttleBy = (limits: typeof limitsOf) =>
      Effect.sync(() => {
        limitsOf = limits
        buckets.clear()
      })

    const ruleFor = (action: string, form: ReadonlyMap<string, string>): StandingRule | undefined => {
      const found = rules.find(
        (rule) =>
          rule.left > 0 &&
          (rule.action === "any" || rule.action === action) &&
          [rule.containing ?? []].flat().every((text) => [...form.values()].some((value) => value.includes(text))),
      )
      if (found !== undefined) found.left--
      return found
    }

    const handle = async (request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> => {
      const body = await readBody(request)
      const form = new Map(new URLSearchParams(body))
      const action = form.get("Action") ?? targetOf(request)
      const record: Writable<ProxiedRequest> = {
        action,
        form,
        headers: request.headers,
        target: request.url ?? "",
        status: undefined,
      }
      requests.push(record)
      response.on("finish", () => (record.status = response.statusCode))
      response.on("close", () => {
        if (response.writableFinished) return
        aborted++
        const woken = abortWaiters.filter(({ count }) => count <= aborted)
        abortWaiters = abortWaiters.filter(({ count }) => count > aborted)
        for (const { wake } of woken) wake()
      })
      const woken = requestWaiters.filter((waiter) => waiter.action === action)
      requestWaiters = requestWaiters.filter((waiter) => waiter.action !== action)
      for (const { wake } of woken) wake()

      if (isThrottled(action)) return answerXmlError(response, 503, "RequestLimitExceeded", "Request limit exceeded.")
      const fault = ruleFor(action, form)?.fault
      const cut = (): void => void response.socket?.destroy()
      const relay = (change: (text: string) => string): void =>
        forward(
          request,
          body,
          (answer, text) => {
            const {
              "content-length": _length,
              "transfer-encoding": _encoding,
              connection: _connection,
              ...headers
            } = answer.headers
            if (answer.statusCode === 200) answers.set(body, { contentType: headers["content-type"] ?? "", text })
            response.writeHead(answer.statusCode ?? 502, headers)
            response.end(change(text))
          },
          cut,
        )
      const giveHalf = (): void =>
        forward(
          request,
          body,
          (answer, text) => {
            const head = { "content-type": "text/xml;charset=UTF-8", "content-length": Buffer.byteLength(text) }
            response.writeHead(answer.statusCode ?? 502, head)
            response.write(text.slice(0, text.length / 2), cut)
          },
          cut,
        )
      switch (fault?._tag) {
        case undefined:
          return relay((text) => text)
        case "Error":
          return answerXmlError(response, fault.status, fault.code, fault.message ?? `injected ${fault.code}`)
        case "Answer":
          response.writeHead(fault.status, { "content-type": fault.contentType })
          response.end(fault.body)
          return
        case "Delay":
          setTimeout(() => relay((text) => text), fault.millis)
          return
        case "CommitThenTimeout":
          return forward(
            request,
            body,
            () => undefined,
            () => undefined,
          )
        case "CommitThenCut":
          return forward(request, body, cut, cut)
        case "CutHalfway":
          return giveHalf()
        case "Stale": {
          const old = answers.get(body)
          if (old === undefined) return relay((text) => text)
          response.writeHead(200, { "content-type": old.contentType })
          response.end(old.text)
          return
        }
        case "Endless":
          response.writeHead(fault.status, { "content-type": "text/xml;charset=UTF-8" })
          return pour(response)
        case "Drip":
          response.writeHead(200, { "content-type": "text/xml;charset=UTF-8" })
          return drip(response)
        case "Hang":
          return
        case "Cut":
          return cut()
        case "Rewrite":
          return relay(fault.change)
      }
    }

    const server = yield* Effect.acquireRelease(
      Effect.callback<Http.Server>((resume) => {
        const started = Http.createServer((request, response) => {
          handle(request, response).catch(() => response.socket?.destroy())
        })
        started.listen(0, "127.0.0.1", () => resume(Effect.succeed(started)))
      }),
      (started) =>
        Effect.callback<void>((resume) => {
          started.close(() => resume(Effect.void))
          started.closeAllConnections()
        }),
    )
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0

    return {
      endpoint: `http://127.0.0.1:${port}`,
      addRule: (rule) => Effect.sync(() => void rules.push({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY })),
      clearRules: Effect.sync(() => void (rules = [])),
      throttle: (given) => throttleBy(() => given),
      throttleAsEc2: throttleBy((action) => (action.endsWith("Route") ? routeWrites : describes)),
      tokens: (action) => Effect.sync(() => bucketOf(action)?.tokens ?? Number.POSITIVE_INFINITY),
      takeTokens: (action, count) =>
        Effect.sync(() => Array.from({ length: count }, () => isThrottled(action)).filter((is) => !is).length),
      requests: Effect.sync(() => [...requests]),
      calls: Effect.sync(() => {
        const counted = new Map<string, number>()
        for (const { action } of requests) counted.set(action, (counted.get(action) ?? 0) + 1)
        return counted
      }),
      forget: Effect.sync(() => void (requests = [])),
      nextRequest: (action) =>
        Effect.callback<void>((resume) => void requestWaiters.push({ action, wake: () => resume(Effect.void) })),
      aborted: (count) =>
        Effect.callback<void>((resume) => {
          if (aborted >= count) resume(Effect.void)
          else abortWaiters.push({ count, wake: () => resume(Effect.void) })
        }),
    }
  })

/** One proxy for all tests of a file. */
export class FaultProxy extends Context.Service<FaultProxy, FaultProxyHandle>()("test/support/ec2/FaultProxy") {
  static readonly layer = (upstream: string): Layer.Layer<FaultProxy> =>
    Layer.effect(FaultProxy, startFaultProxy(upstream))
}
