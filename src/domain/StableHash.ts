const fold = (hash: number, code: number, prime: number): number => Math.imul(hash ^ code, prime)

/** Murmur3's 32-bit finaliser: every input bit reaches every output bit. */
const finish = (hash: number): number => {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Two independent 32-bit lanes over the UTF-16 code units of a text; the same on every machine and in every version. */
const lanes = (text: string): readonly [number, number] => {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = fold(a, code, 0x01000193)
    b = fold(b, code, 0x5bd1e995) ^ (b >>> 15)
  }
  return [finish(a ^ text.length), finish(b)]
}

/** A number in [0, 2^53), evenly spread. Not for secrets. */
export const stableNumber = (text: string): number => {
  const [a, b] = lanes(text)
  return (a & 0x1fffff) * 0x1_0000_0000 + b
}

/** 16 hexadecimal digits. Not for secrets. */
export const stableHex = (text: string): string => {
  const [a, b] = lanes(text)
  return a.toString(16).padStart(8, "0") + b.toString(16).padStart(8, "0")
}

/** A number in [0, 1), evenly spread over the places of one seed. */
export const fractionOf = (seed: number, place: number): number =>
  finish(Math.imul(place + 1, 0x9e3779b9) ^ finish(seed | 0)) / 0x1_0000_0000
