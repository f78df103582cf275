import { HttpServerResponse } from "effect/http"
import { readPageFiles } from "./PageFiles.ts"

/** Its own files, events and API, and nothing else; no inline script or style, and no text that is taken for markup. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ")

const pageHeaders = {
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
}

const contentTypes: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
}

let files: ReadonlyMap<string, string> | undefined

/** A file of the page; undefined: there is none of this name. */
export const pageFile = (name: string): HttpServerResponse.HttpServerResponse | undefined => {
  const text = (files ??= readPageFiles()).get(name)
  const contentType = contentTypes[name.slice(name.lastIndexOf(".") + 1)]
  return text === undefined || contentType === undefined
    ? undefined
    : HttpServerResponse.text(text, { contentType, headers: pageHeaders })
}

const quality = (accept: string, type: string): number => {
  for (const part of accept.toLowerCase().split(",")) {
    const [name, ...parameters] = part.split(";").map((word) => word.trim())
    if (name !== type) continue
    const q = parameters.find((parameter) => parameter.startsWith("q="))
    return q === undefined ? 1 : Number(q.slice(2)) || 0
  }
  return 0
}

/** Whether an `Accept` header asks for a page, as browsers do by naming `text/html`. Others get JSON. */
export const wantsPage = (accept: string | undefined): boolean => {
  const html = quality(accept ?? "", "text/html")
  return html > 0 && html >= quality(accept ?? "", "application/json")
}
