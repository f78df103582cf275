import { Readable } from "node:stream"

/** An answer of more bytes than any honest one has. */
class AnswerTooLarge extends Error {
  override readonly name = "AnswerTooLarge"
}

const kibi = 1_024

/** Bytes: what most answers fit into. */
const firstRoom = 16 * kibi

/** Such as `16 MiB`. */
const inWords = (bytes: number): string =>
  bytes < kibi * kibi ? `${Math.round(bytes / kibi)} KiB` : `${Math.round(bytes / kibi / kibi)} MiB`

/**
 * All bytes of an answer's body. Fails with `AnswerTooLarge`, and cuts the connection, at the first chunk that is past
 * `limit` bytes: an answer need not have an end.
 */
export const readBody = async (body: unknown, limit: number): Promise<Uint8Array> => {
  if (body instanceof Uint8Array) return body
  if (!(body instanceof Readable)) return new Uint8Array()
  // One piece of memory that grows: chunks may be of a byte each, and an object for each of them is a hundred times that.
  let room = Buffer.allocUnsafe(firstRoom)
  let size = 0
  // Whoever leaves the loop destroys the stream, and its connection with it.
  for await (const chunk of body) {
    const bytes: Uint8Array = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk))
    const before = size
    size += bytes.length
    if (size > limit) throw new AnswerTooLarge(`the answer is larger than ${inWords(limit)}`)
    if (size > room.length) {
      const larger = Buffer.allocUnsafe(Math.max(size, 2 * room.length))
      room.copy(larger, 0, 0, before)
      room = larger
    }
    room.set(bytes, before)
  }
  return room.subarray(0, size)
}
