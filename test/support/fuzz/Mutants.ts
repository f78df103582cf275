import fc from "fast-check"

/** One change to some bytes; places are shares of their length, so that they mean something whatever came before. */
type Change = (bytes: Uint8Array) => Uint8Array

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Mostly some bytes, at times a good part of everything. */
const span = fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(4_000) })

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))

const at = (bytes: Uint8Array, where: number): number => Math.floor(where * (bytes.length + 1))

/** What texts are broken with: signs, marks, bytes that are no UTF-8, numbers and nesting without measure. */
const pieces: ReadonlyArray<Uint8Array> = [
  ..."{}[]\",:\\/-+.0123456789eE \n\t%_<>&=;'#".split(""),
  "\ufeff",
  "\0",
  "\r\n",
  "\u2028",
  "\\u0000",
  "\\ud800",
  "\\u002e",
  "1e999",
  "-0",
  "9".repeat(400),
  "[".repeat(40),
  "]".repeat(40),
  '{"a":'.repeat(40),
  "null",
  "true",
  '"__proto__":[],',
  '"__proto__":{"0.0.0.0/0":[]},',
  '"constructor":[],',
  '"0.0.0.0/0":[],',
  "/0",
  "/33",
  "0x10",
  "::ffff:",
  "%eth0",
  "&#0;",
  "<!DOCTYPE a [<!ENTITY b 'c'>]>",
  "<![CDATA[",
].map((text) => new TextEncoder().encode(text))
const rawPieces: ReadonlyArray<Uint8Array> = [
  [0xff, 0xfe],
  [0xfe, 0xff],
  [0xc3, 0x28],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0x80],
].map((bytes) => Uint8Array.from(bytes))

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...pieces) },
  { weight: 1, arbitrary: fc.constantFrom(...rawPieces) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }) },
)

const flip = fc.tuple(share, fc.nat(7)).map(([where, bit]): Change => (bytes) => {
  const changed = Uint8Array.from(bytes)
  const index = Math.floor(where * bytes.length)
  const before = changed[index]
  if (before !== undefined) changed[index] = before ^ (1 << bit)
  return changed
})
const remove = fc.tuple(share, span).map(([where, length]): Change => (bytes) => {
  const start = at(bytes, where)
  return joined(bytes.subarray(0, start), bytes.subarray(start + length))
})
const truncate = share.map(
  (where): Change =>
    (bytes) =>
      bytes.slice(0, at(bytes, where)),
)
const duplicate = fc.tuple(share, span, share).map(([from, length, to]): Change => (bytes) => {
  const start = at(bytes, from)
  const target = at(bytes, to)
  return joined(bytes.subarray(0, target), bytes.subarray(start, start + length), bytes.subarray(target))
})
const swap = fc.tuple(share, share, fc.nat(12)).map(([one, other, length]): Change => (bytes) => {
  const [a = 0, b = 0] = [at(bytes, one), at(bytes, other)].sort((x, y) => x - y)
  const size = Math.min(length, b - a, bytes.length - b)
  return joined(
    bytes.subarray(0, a),
    bytes.subarray(b, b + size),
    bytes.subarray(a + size, b),
    bytes.subarray(a, a + size),
    bytes.subarray(b + size),
  )
})
const insert = fc.tuple(share, piece).map(([where, put]): Change => (bytes) => {
  const place = at(bytes, where)
  return joined(bytes.subarray(0, place), put, bytes.subarray(place))
})
const overwrite = fc.tuple(share, piece).map(([where, put]): Change => (bytes) => {
  const place = at(bytes, where)
  return joined(bytes.subarray(0, place), put, bytes.subarray(place + put.length))
})
/** A line, or what stands between two commas, once more: keys that are there twice. */
const repeat = fc.tuple(share, fc.constantFrom("\n", ",", ">", "&")).map(([where, sign]): Change => (bytes) => {
  const text = Buffer.from(bytes).toString("latin1")
  const parts = text.split(sign)
  const part = parts[Math.floor(where * parts.length)] ?? ""
  return Uint8Array.from(Buffer.from(text.replace(part, `${part}${sign}${part}`), "latin1"))
})
const recoded = fc.constantFrom<Change>(
  (bytes) => Uint8Array.from(Buffer.from(`\ufeff${Buffer.from(bytes).toString("utf8")}`, "utf16le")),
  (bytes) => joined(Uint8Array.from([0xef, 0xbb, 0xbf]), bytes),
  (bytes) => joined(bytes, bytes),
  () => new Uint8Array(),
  (bytes) => new Uint8Array(bytes.length),
)

const change = fc.oneof(
  { weight: 4, arbitrary: flip },
  { weight: 4, arbitrary: insert },
  { weight: 3, arbitrary: overwrite },
  { weight: 3, arbitrary: remove },
  { weight: 3, arbitrary: duplicate },
  { weight: 2, arbitrary: repeat },
  { weight: 2, arbitrary: swap },
  { weight: 1, arbitrary: truncate },
  { weight: 1, arbitrary: recoded },
)

/**
 * Bytes made from valid ones: bits flipped, parts taken out, put in twice or swapped, and pieces put in that break texts; or
 * two of them spliced, as a write over a longer file leaves them.
 */
export const mutantOf = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> => {
  const spliced = fc
    .tuple(valid, valid, share, share)
    .map(([one, other, head, tail]) => joined(one.subarray(0, at(one, head)), other.subarray(at(other, tail))))
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(valid, fc.array(change, { minLength: 1, maxLength: 3 }))
        .map(([bytes, changes]) => changes.reduce((now, one) => one(now), bytes)),
    },
    { weight: 1, arbitrary: spliced },
  )
}
