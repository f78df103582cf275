import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { wantsPage } from "../../../src/services/http/Page.ts"
import { ask, problem, read } from "../http/Ask.ts"
import { withServer } from "../http/Scripted.ts"

const chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

describe("GET /", () => {
  const cases: ReadonlyArray<readonly [string, string | undefined, boolean]> = [
    ["Chromium and Firefox", chromium, true],
    ["text/html alone", "text/html", true],
    ["curl", "*/*", false],
    ["a client that says nothing", undefined, false],
    ["a client that asks for JSON", "application/json", false],
    ["one that would rather have JSON", "application/json, text/html;q=0.5", false],
    ["one that would rather have a page", "Text/HTML; q=0.9, application/json;q=0.5", true],
    ["one that wants no page", "text/html;q=0, */*", false],
    ["nonsense", "text/html;q=abc,;;,", false],
  ]
  for (const [who, accept, isPage] of cases) {
    it(`gives ${who} ${isPage ? "the page" : "JSON"}`, () => assert.strictEqual(wantsPage(accept), isPage))
  }

  it.live("is a page for browsers and the list of endpoints for curl, under the same address", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const page = yield* ask(url, { headers: { accept: chromium } })
        assert.strictEqual(page.status, 200)
        assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8")
        assert.match(page.text, /^<!doctype html>/)
        const json = yield* ask(url, { headers: { accept: "*/*" } })
        assert.strictEqual(json.headers["content-type"], "application/json")
        assert.property(read(json), "links")
        const head = yield* ask(url, { method: "HEAD", headers: { accept: chromium } })
        assert.deepStrictEqual([head.status, head.text], [200, ""])
      }),
    ),
  )
})

describe("the page's files", () => {
  const links = (text: string) => [...text.matchAll(/(?:href|src)="(page\/[^"]+)"/g)].map(([, path]) => `/${path}`)
  const imports = (text: string) => [...text.matchAll(/from "\.\/([^"]+)"/g)].map(([, name]) => `/page/${name}`)

  it.live("are all there, typed, never cached, and may load nothing from elsewhere", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const types: Record<string, string> = {
          css: "text/css; charset=utf-8",
          js: "text/javascript; charset=utf-8",
          svg: "image/svg+xml",
        }
        const page = yield* ask(url, { headers: { accept: "text/html" } })
        const seen = new Set(links(page.text))
        for (const path of seen) {
          const { headers, status, text } = yield* ask(url, { path })
          assert.strictEqual(status, 200, path)
          assert.strictEqual(headers["content-type"], types[path.split(".").at(-1) ?? ""], path)
          assert.strictEqual(headers["cache-control"], "no-store")
          assert.strictEqual(headers["x-content-type-options"], "nosniff")
          for (const found of imports(text)) seen.add(found)
        }
        assert.isAbove(seen.size, 10)
      }),
    ),
  )

  it.live("come with a policy that lets in nothing but this origin's files, and nothing inline", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const policies = new Set<string>()
        for (const path of ["/", "/page/page.js", "/page/page.css", "/page/icon.svg"]) {
          const { headers } = yield* ask(url, { path, headers: { accept: "text/html" } })
          policies.add(String(headers["content-security-policy"]))
          assert.strictEqual(headers["referrer-policy"], "no-referrer")
        }
        const [policy = ""] = [...policies]
        assert.strictEqual(policies.size, 1)
        assert.match(policy, /^default-src 'none'; /)
        for (const word of ["unsafe", "http:", "https:", "data:", "*"]) assert.notInclude(policy, word)
        for (const part of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"])
          assert.include(policy, part)
      }),
    ),
  )

  it.live("are these and no others", () =>
    withServer((url) =>
      Effect.gen(function* () {
        for (const name of [
          "nothing.js",
          "..%2fPage.ts",
          "%2e%2e%2fPage.ts",
          "..",
          "__proto__",
          "constructor",
          "index",
        ])
          problem(yield* ask(url, { path: `/page/${name}` }), 404)
        const answer = yield* ask(url, { method: "POST", path: "/page/page.js" })
        problem(answer, 405)
        assert.strictEqual(answer.headers["allow"], "GET, HEAD")
      }),
    ),
  )
})
