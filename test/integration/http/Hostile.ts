/** What somebody may post who means harm, or whose program is broken: how it is sent, and the status that it gets. */
interface HostilePost {
  readonly name: string
  readonly headers?: Readonly<Record<string, string>>
  /** A list is sent in chunks. */
  readonly body: string | Uint8Array | ReadonlyArray<string>
  readonly status: number
}

const json = { "content-type": "application/json" }
const mebibyte = 1024 * 1024
const harmless = `{"10.66.99.0/24": []}`

/** None of them is a spec, and each would withdraw every route if it were taken for one. */
export const hostilePosts: ReadonlyArray<HostilePost> = [
  { name: "nothing", body: "", status: 415 },
  { name: "no JSON", headers: json, body: "{", status: 400 },
  { name: "no object", headers: json, body: "[]", status: 400 },
  { name: "a body past the limit", headers: json, body: harmless + " ".repeat(mebibyte), status: 413 },
  {
    name: "a body past the limit in chunks",
    headers: json,
    body: [harmless, ...Array.from({ length: 17 }, () => " ".repeat(mebibyte / 16))],
    status: 413,
  },
  { name: "lists in lists", headers: json, body: "[".repeat(500_000), status: 400 },
  { name: "objects in objects", headers: json, body: '{"a":'.repeat(150_000), status: 400 },
  {
    name: "a deep list in a place for hosts",
    headers: json,
    body: `{"10.66.99.0/24": ${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
    status: 400,
  },
  { name: "a key twice", headers: json, body: `{"10.66.99.0/24": ["10.33.20.93"], "10.66.99.0/24": []}`, status: 400 },
  { name: "a destination twice", headers: json, body: `{"10.66.99.0/24": [], "10.66.99.1/24": []}`, status: 400 },
  {
    name: "a hundred thousand keys that are one",
    headers: json,
    body: `{${'"a":1,'.repeat(100_000)}"a":1}`,
    status: 400,
  },
  { name: "__proto__", headers: json, body: `{"__proto__": {"10.66.99.0/24": []}}`, status: 400 },
  { name: "__proto__ as a list", headers: json, body: `{"__proto__": []}`, status: 400 },
  { name: "constructor", headers: json, body: `{"constructor": {"prototype": {}}}`, status: 400 },
  { name: "a number without end", headers: json, body: `{"10.66.99.0/24": ${"9".repeat(900_000)}}`, status: 400 },
  { name: "ten thousand and one destinations", headers: json, body: manyDestinations(10_001), status: 400 },
  { name: "bytes that are no UTF-8", headers: json, body: Uint8Array.from([0x7b, 0xc3, 0x28, 0x7d]), status: 400 },
  { name: "plain text", headers: { "content-type": "text/plain" }, body: harmless, status: 415 },
  { name: "a form", headers: { "content-type": "application/x-www-form-urlencoded" }, body: harmless, status: 415 },
  {
    name: "another charset",
    headers: { "content-type": "application/json; charset=utf-16" },
    body: harmless,
    status: 415,
  },
  { name: "something compressed", headers: { ...json, "content-encoding": "gzip" }, body: harmless, status: 415 },
  { name: "a chunked form", headers: { "content-type": "multipart/form-data" }, body: [harmless], status: 415 },
  { name: "under a foreign name", headers: { ...json, host: "evil.example" }, body: harmless, status: 421 },
  { name: "from a foreign page", headers: { ...json, origin: "http://evil.example" }, body: harmless, status: 403 },
  { name: "from no page at all", headers: { ...json, origin: "null" }, body: harmless, status: 403 },
  { name: "from another site", headers: { ...json, "sec-fetch-site": "cross-site" }, body: harmless, status: 403 },
]

function manyDestinations(count: number): string {
  const members = Array.from({ length: count }, (_, index) => `"10.${index >> 8}.${index & 255}.0/24":[]`)
  return `{${members.join(",")}}`
}

const isList = (body: HostilePost["body"]): body is ReadonlyArray<string> => Array.isArray(body)

/** A post as it goes over the wire. */
export const wireBytes = ({ body, headers = {} }: HostilePost): Buffer => {
  const { host = "localhost", ...rest } = headers
  const lines = Object.entries(rest).map(([name, value]) => `${name}: ${value}\r\n`)
  const start = `POST /route_spec HTTP/1.1\r\nHost: ${host}\r\n${lines.join("")}`
  if (!isList(body)) {
    const bytes = Buffer.from(body)
    return Buffer.concat([Buffer.from(`${start}Content-Length: ${bytes.length}\r\n\r\n`), bytes])
  }
  const chunks = body.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
  return Buffer.from(`${start}Transfer-Encoding: chunked\r\n\r\n${chunks.join("")}0\r\n\r\n`)
}
