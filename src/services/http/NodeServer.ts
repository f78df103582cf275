import * as Http from "node:http"
import type { Duplex } from "node:stream"
import { answerHeaders } from "./AnswerHeaders.ts"
import { crowd } from "./Crowd.ts"
import type { Handler } from "./InTurns.ts"
import { oneAtATime } from "./OneAtATime.ts"
import { problem } from "./Problems.ts"

/** What one client may take up. Times in milliseconds. */
export interface Limits {
  /** Until all headers are there, from the moment the connection is made. */
  readonly headers: number
  /** Until the whole request is there. */
  readonly request: number
  /** Without a byte in either direction, while an answer is made or sent. */
  readonly silence: number
  /** Between two requests of one connection. */
  readonly keepAlive: number
  /** How often the first two are looked at. */
  readonly check: number
  readonly connections: number
  /** Bytes of headers. */
  readonly headerBytes: number
}

export const defaultLimits: Limits = {
  headers: 5_000,
  request: 15_000,
  silence: 30_000,
  keepAlive: 5_000,
  check: 1_000,
  connections: 512,
  headerBytes: 16 * 1024,
}

const answerOf = (status: number, detail: string) => {
  const body = JSON.stringify(problem(status, detail))
  const length = `${Buffer.byteLength(body)}`
  return {
    body,
    headers: {
      ...answerHeaders,
      "content-type": "application/problem+json",
      "content-length": length,
      connection: "close",
    },
  }
}

/** The answer to what never became a request: it is written to the socket by hand. */
const rawAnswer = (status: number, detail: string): string => {
  const { body, headers } = answerOf(status, detail)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${Http.STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`
}

const tooLong = rawAnswer(431, "the headers are too long")
const tooSlow = rawAnswer(408, "the request took too long to arrive")
const malformed = rawAnswer(400, "this is not HTTP")

const answerTo = ({ code }: NodeJS.ErrnoException): string => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return tooLong
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return tooSlow
    default:
      return malformed
  }
}

/**
 * A server that cuts off slow clients and answers with problems even where Node would answer by itself. Nobody listens
 * for `upgrade` or `connect`: an upgrade is not taken up, a CONNECT is hung up on. `onFull` is called when a connection
 * takes the place of another.
 */
export const makeNodeServer = (handler: Handler, limits: Limits, onFull: () => void): Http.Server => {
  const server = Http.createServer({
    headersTimeout: limits.headers,
    requestTimeout: limits.request,
    connectionsCheckingInterval: limits.check,
    keepAliveTimeout: limits.keepAlive,
    maxHeaderSize: limits.headerBytes,
    // We look at it ourselves, since Node's refusal has no body.
    requireHostHeader: false,
  })
  crowd(server, limits.connections, onFull)
  server.timeout = limits.silence
  oneAtATime(server)
  const begun = new WeakMap<Duplex, Http.ServerResponse>()
  server.on("request", (request, response) => {
    begun.set(request.socket, response)
    handler(request, response)
  })
  server.on("checkExpectation", (_request: Http.IncomingMessage, response: Http.ServerResponse) => {
    const { body, headers } = answerOf(417, "this expectation is not known here")
    response.writeHead(417, headers).end(body)
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const last = begun.get(socket)
    const inAnAnswer = last !== undefined && last.headersSent && !last.writableFinished
    if (!socket.writable || error.code === "ECONNRESET" || inAnAnswer) return void socket.destroy()
    // The client gets to read the answer if it reads at all; it is not waited for.
    socket.end(answerTo(error), () => socket.destroy())
  })
  return server
}
