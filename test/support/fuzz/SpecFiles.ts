import fc from "fast-check"

const destinations = [
  "10.66.17.0/24",
  "10.66.18.0/24",
  "10.66.0.0/16",
  "192.168.7.1/32",
  "172.16.0.0/12",
  "0.0.0.0/0",
  "2001:db8:ff::/48",
  "2001:DB8:FE::1/48",
  "::/0",
] as const
const v4 = ["10.33.20.93", "10.33.30.22", "10.33.20.9", "10.33.40.122"] as const
const v6 = ["2001:db8:1:20::a", "2001:db8:1:20::b", "2001:DB8:1:30:0:0:0:C"] as const

const entry = fc
  .constantFrom(...destinations)
  .chain((destination) =>
    fc
      .uniqueArray(fc.constantFrom<string>(...(destination.includes(":") ? v6 : v4)), { maxLength: 3 })
      .map((hosts) => [destination, hosts] as const),
  )
const entries = fc.uniqueArray(entry, { selector: ([destination]) => destination, minLength: 1, maxLength: 5 })

/** Valid files, as people, editors and programs write them. */
export const specFile: fc.Arbitrary<Uint8Array> = fc
  .record({
    entries,
    indent: fc.constantFrom(undefined, 2, "\t"),
    newline: fc.constantFrom("\n", "\r\n"),
    end: fc.constantFrom("", "\n", " \n\n"),
    mark: fc.constantFrom("", "", "", "\ufeff"),
  })
  .map(({ end, entries, indent, mark, newline }) =>
    new TextEncoder().encode(
      mark + (JSON.stringify(Object.fromEntries(entries), undefined, indent) + end).replaceAll("\n", newline),
    ),
  )
