import { Effect, Schema, type Scope } from "effect"
import * as Http from "node:http"

/** An alarm as DescribeAlarms shows it, with the little that matters. */
export interface ShownAlarm {
  readonly name: string
  readonly instance: string
  readonly value?: string
  /** Seconds, as the protocol has it; undefined: it is left out. */
  readonly at?: number | undefined
  readonly metric?: string
  readonly namespace?: string
}

/** What happens to a request instead of a plain answer. */
export type PageFault =
  | { readonly _tag: "Error"; readonly status: number; readonly code: string }
  | { readonly _tag: "Body"; readonly body: string; readonly contentType?: string }
  | { readonly _tag: "Cut" }

export interface PagedAlarms {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  readonly show: (alarms: ReadonlyArray<ShownAlarm>) => void
  /** For the request of that number, from 1, since the last call of `forget`. */
  readonly breakAt: (request: number, fault: PageFault) => void
  /** Names the same next page for ever. */
  readonly circle: () => void
  /** The page that each request asked for, from 0, and when it came, in milliseconds. */
  readonly requests: () => ReadonlyArray<{ readonly page: number; readonly at: number; readonly types: string }>
  readonly forget: () => void
}

const Request = Schema.fromJsonString(
  Schema.Struct({
    MaxRecords: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
    NextToken: Schema.optionalKey(Schema.String),
    AlarmTypes: Schema.optionalKey(Schema.Array(Schema.String)),
  }),
)
const decodeRequest = Schema.decodeUnknownSync(Request)

const json = "application/x-amz-json-1.0"

const shown = ({
  instance,
  metric = "StatusCheckFailed",
  name,
  namespace = "AWS/EC2",
  value = "OK",
  ...when
}: ShownAlarm) => ({
  AlarmName: name,
  AlarmArn: `arn:aws:cloudwatch:us-east-1:123456789012:alarm:${name}`,
  Namespace: namespace,
  MetricName: metric,
  Dimensions: [{ Name: "InstanceId", Value: instance }],
  StateValue: value,
  StateReason: `${name} is ${value}`,
  ...("at" in when && when.at === undefined ? {} : { StateUpdatedTimestamp: when.at ?? 1_790_000_000.123 }),
})

/** A server that has alarms in pages, as CloudWatch does and moto does not. It ends with the scope. */
export const pagedAlarms: Effect.Effect<PagedAlarms, never, Scope.Scope> = Effect.gen(function* () {
  let alarms: ReadonlyArray<ShownAlarm> = []
  let requests: Array<{ readonly page: number; readonly at: number; readonly types: string }> = []
  const faults = new Map<number, PageFault>()
  let isCircle = false

  const answer = (body: string, response: Http.ServerResponse) => {
    const { AlarmTypes = [], MaxRecords, NextToken } = decodeRequest(body)
    const page = Number(NextToken?.replace("page ", "") ?? 0)
    requests.push({ page, at: performance.now(), types: AlarmTypes.join(" ") })
    const fault = faults.get(requests.length)
    if (fault?._tag === "Cut") return void response.socket?.destroy()
    const end = (status: number, text: string, contentType = json) =>
      response.writeHead(status, { "content-type": contentType }).end(text)
    if (fault?._tag === "Error")
      return end(fault.status, JSON.stringify({ __type: fault.code, message: "by the test" }))
    if (fault?._tag === "Body") return end(200, fault.body, fault.contentType)
    const from = page * MaxRecords
    const more = isCircle || from + MaxRecords < alarms.length
    const next = more ? { NextToken: `page ${isCircle ? 1 : page + 1}` } : {}
    return end(
      200,
      JSON.stringify({ MetricAlarms: alarms.slice(from, from + MaxRecords).map(shown), CompositeAlarms: [], ...next }),
    )
  }

  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const started = Http.createServer((request, response) => {
        let body = ""
        request.setEncoding("utf8").on("data", (text: string) => void (body += text))
        request.on("end", () => answer(body, response))
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
  return {
    endpoint: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    show: (given) => void (alarms = given),
    breakAt: (request, fault) => void faults.set(request, fault),
    circle: () => void (isCircle = true),
    requests: () => requests,
    forget: () => {
      requests = []
      faults.clear()
      isCircle = false
    },
  }
})
