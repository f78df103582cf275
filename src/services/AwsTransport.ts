import { readBody } from "./AnswerBody.ts"

/** Milliseconds. Retries belong to who calls, so a call that hangs must end soon. */
const connectionTimeout = 1_000

/** Milliseconds after which an idle connection is closed, before something between here and AWS drops it silently. */
const idleLimit = 20_000

/** More than are ever in flight: the SDK counts waiting for a socket as connecting. */
const maxSockets = 256

/**
 * Bytes of an answer. The largest page asked for has 20 route tables of 1,100 routes (the most that AWS raises the quota to, and 100
 * propagated ones: "Amazon VPC quotas"), each of some 400 bytes of XML: 9 MB.
 */
const answerLimit = 16 * 1_024 * 1_024

/** How every client of the SDK talks: one attempt a call, bounded in time and size. `requestTimeout` is in milliseconds. */
export const awsTransport = (requestTimeout: number) => {
  // `proxyEnv` lets Node (24.5, 22.21 and later) honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY; the SDK itself does not.
  const agent = { keepAlive: true, maxSockets, timeout: Math.max(idleLimit, requestTimeout), proxyEnv: process.env }
  return {
    maxAttempts: 1,
    streamCollector: (body: unknown) => readBody(body, answerLimit),
    requestHandler: {
      connectionTimeout,
      requestTimeout,
      throwOnRequestTimeout: true,
      socketTimeout: requestTimeout,
      httpAgent: agent,
      httpsAgent: agent,
    },
  }
}
