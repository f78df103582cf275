import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"

/** What a metadata server is asked: the method and the path. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly token: string | undefined
}

export interface MetadataServer {
  readonly endpoint: string
  /** Every request, in their order. */
  readonly asked: ReadonlyArray<Asked>
}

/** Answers a request in another way than EC2 does; true if it did. */
export type Instead = (asked: Asked, response: ServerResponse) => boolean

const token = "AQAEAExampleTokenOnly=="

/** Texts by path below `latest/meta-data/`, as EC2 serves them for an instance with these interfaces. */
export const instance = (
  region: string,
  interfaces: ReadonlyArray<readonly [mac: string, id: string, vpc: string]>,
): Readonly<Record<string, string>> => ({
  "placement/region": region,
  "network/interfaces/macs/": interfaces.map(([mac]) => `${mac}/`).join("\n"),
  ...Object.fromEntries(
    interfaces.flatMap(([mac, id, vpc]) => [
      [`network/interfaces/macs/${mac}/vpc-id`, vpc],
      [`network/interfaces/macs/${mac}/interface-id`, id],
    ]),
  ),
})

const headerOf = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" ? value : undefined
}

/**
 * Instance metadata on 127.0.0.1, as IMDSv2 serves them where version 1 is switched off: a token is given to a PUT that says
 * how long it is to last, every GET needs one (401), what is not there is 404. `instead` answers otherwise.
 */
export const metadataServer = (
  texts: Readonly<Record<string, string>>,
  instead: Instead = () => false,
): Effect.Effect<MetadataServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const asked: Array<Asked> = []
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      const one = {
        method: request.method ?? "",
        path: request.url ?? "",
        token: headerOf(request, "x-aws-ec2-metadata-token"),
      }
      asked.push(one)
      if (instead(one, response)) return
      const send = (status: number, text: string) =>
        response.writeHead(status, { "content-type": "text/plain" }).end(text)
      if (one.path === "/latest/api/token" && one.method === "PUT")
        return headerOf(request, "x-aws-ec2-metadata-token-ttl-seconds") === undefined
          ? send(400, "")
          : send(200, token)
      if (one.token !== token) return send(401, "")
      const text = texts[one.path.replace(/^\/latest\/meta-data\//, "")]
      return one.method === "GET" && text !== undefined ? send(200, text) : send(404, "")
    }
    const server = yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(answer)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        }),
    )
    const address = server.address() as AddressInfo
    return { endpoint: `http://127.0.0.1:${address.port}`, asked }
  })
