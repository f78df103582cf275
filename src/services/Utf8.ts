import { Result } from "effect"

/**
 * Bytes as the text that they are in UTF-8, and in nothing else. A byte order mark stays: the JSON reader passes over one.
 * The failure says what was found, so that it fits behind "got".
 */
export const utf8Text = (bytes: Uint8Array): Result.Result<string, string> =>
  Result.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: () => {
      const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
      return isUtf16 ? "UTF-16" : "bytes that are not"
    },
  })
