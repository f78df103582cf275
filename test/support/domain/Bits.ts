/** Addresses as bits, by hand: the oracle must not depend on the parser that it checks. */

const quad = (text: string): bigint => text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n)

const groups = (text: string): ReadonlyArray<string> => (text === "" ? [] : text.split(":"))

const v6 = (text: string): bigint => {
  const [left = "", right] = text.split("::")
  const head = groups(left)
  const tail = right === undefined ? [] : groups(right)
  const zeros = right === undefined ? 0 : 8 - head.length - tail.length
  return [...head, ...Array.from({ length: zeros }, () => "0"), ...tail].reduce(
    (sum, group) => sum * 65536n + BigInt(`0x${group}`),
    0n,
  )
}

const widthOf = (text: string): number => (text.includes(":") ? 128 : 32)

/** Whether every address of `inner` is one of `outer`'s; both `address/prefix`. */
export const covers = (outer: string, inner: string): boolean => {
  const [outerAddress = "", outerLength = ""] = outer.split("/")
  const [innerAddress = "", innerLength = ""] = inner.split("/")
  const width = widthOf(outerAddress)
  if (width !== widthOf(innerAddress) || Number(innerLength) < Number(outerLength)) return false
  const bits = (text: string): bigint => (width === 128 ? v6(text) : quad(text)) >> BigInt(width - Number(outerLength))
  return bits(outerAddress) === bits(innerAddress)
}
