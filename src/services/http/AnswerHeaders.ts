/**
 * On every answer: nothing is cached, nothing is guessed from the content, no other site's page may embed or read it.
 * There are no CORS headers, on purpose.
 */
export const answerHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
} as const
