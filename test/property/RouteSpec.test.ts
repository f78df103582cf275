import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { decodeFixedSpec, splitHosts } from "../../src/domain/DecodeFixedSpec.ts"
import { decodeRouteSpec } from "../../src/domain/DecodeRouteSpec.ts"
import { type DecodedSpec, encodeRouteSpec, hostsOf, type SpecProblem } from "../../src/domain/RouteSpec.ts"
import { maxDestinations, maxHostsPerDestination, maxProblems } from "../../src/domain/SpecDraft.ts"

// Addresses are made and written here without the code under test: as numbers, and for IPv6 by the URL parser, which
// writes RFC 5952 as well.
type Family = 4 | 6
const bits = { 4: 32, 6: 128 } as const

const canonical = (family: Family, value: bigint): string =>
  family === 4
    ? [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".")
    : new URL(`http://[${groups(value).join(":")}]`).hostname.slice(1, -1)

const groups = (value: bigint): ReadonlyArray<string> =>
  [7n, 6n, 5n, 4n, 3n, 2n, 1n, 0n].map((index) => ((value >> (index * 16n)) & 0xffffn).toString(16))

/** The same address in another of the spellings that are allowed. */
const spelt = (family: Family, value: bigint, style: number): string => {
  if (family === 4 || style === 0) return canonical(family, value)
  return style === 1 ? groups(value).join(":").toUpperCase() : canonical(family, value).toUpperCase()
}

const network = (family: Family, value: bigint, prefix: number): bigint => {
  const rest = BigInt(bits[family] - prefix)
  return (value >> rest) << rest
}

const style = fc.nat(2)
const family = fc.constantFrom<Family>(4, 4, 6)

// 1.0.0.0 to 126.255.255.255, and 2000::/3: nothing in there is refused.
const hostValue = (family: Family) =>
  family === 4
    ? fc.bigInt(1n << 24n, (127n << 24n) - 1n)
    : fc.bigInt(0x2000n << 112n, (0x4000n << 112n) - 1n).map((value) => value & ~(0xffffn << 32n))
const host = (family: Family) =>
  fc.record({ value: hostValue(family), style }).map(({ value, style }) => ({
    ip: canonical(family, value),
    text: spelt(family, value, style),
  }))
const pooledHosts = (family: Family) =>
  fc
    .array(host(family), { minLength: 1, maxLength: 6 })
    .chain((pool) => fc.array(fc.constantFrom(...pool), { maxLength: 8 }))

const entry = family.chain((family) =>
  fc
    .record({
      prefix: fc.oneof(fc.constantFrom(0, 8, 16, 24, 32), fc.integer({ min: 0, max: bits[family] })),
      value: hostValue(family),
      style,
      exact: fc.boolean(),
      hosts: pooledHosts(family),
    })
    .map(({ prefix, value, style, exact, hosts }) => {
      const base = network(family, value, prefix)
      const written = exact ? base : value
      return {
        family,
        cidr: `${canonical(family, base)}/${prefix}`,
        key: `${spelt(family, written, style)}/${prefix}`,
        hadHostBits: written !== base,
        hosts,
      }
    }),
)
type Entry = typeof entry extends fc.Arbitrary<infer A> ? A : never
const entries = fc.uniqueArray(entry, { selector: ({ cidr }) => cidr, maxLength: 12 })

const write = (list: ReadonlyArray<Entry>, indent?: number): string =>
  JSON.stringify(Object.fromEntries(list.map(({ key, hosts }) => [key, hosts.map(({ text }) => text)])), null, indent)

const accepted = (text: string): DecodedSpec =>
  Result.getOrThrowWith(decodeRouteSpec(text), (problems) => new Error(JSON.stringify(problems, null, 2)))

const problemsOf = (text: string): ReadonlyArray<SpecProblem> => {
  const decoded = decodeRouteSpec(text)
  return Result.isFailure(decoded) ? decoded.failure : []
}

const lines = (problems: ReadonlyArray<SpecProblem>): ReadonlyArray<string> =>
  problems.map(({ path, message }) => `${path}: ${message}`)

/** One CIDR with one fault, and the places at which it must be told. */
const faulty: ReadonlyArray<readonly [key: string, hosts: unknown, faults: ReadonlyArray<string>]> = [
  ["203.0.113.0", [], [""]],
  ["203.0.113.0/33", [], [""]],
  ["203.0.113/24", [], [""]],
  ["0203.0.113.0/24", [], [""]],
  ["example.com/24", ["198.51.100.1"], [""]],
  ["", ["198.51.100.1"], [""]],
  ["__proto__", ["198.51.100.1"], [""]],
  ["fe80::1%eth0/64", [], [""]],
  ["169.254.169.253/32", ["198.51.100.1"], [""]],
  ["169.254.168.0/22", [], [""]],
  ["fd00:ec2::253/128", [], [""]],
  ["::ffff:10.0.0.0/104", [], [""]],
  ["203.0.113.0/29", "198.51.100.1", [""]],
  ["203.0.113.8/29", null, [""]],
  ["203.0.113.16/29", { "198.51.100.1": true }, [""]],
  ["203.0.113.24/29", [["198.51.100.1"], 7, null, true, {}], ["[0]", "[1]", "[2]", "[3]", "[4]"]],
  ["203.0.113.32/29", ["198.51.100.1", "3fff::1"], ["[1]"]],
  ["3fff::/32", ["3fff::1", "198.51.100.1"], ["[1]"]],
  ["203.0.113.40/29", ["0.0.0.0", "127.0.0.1", "169.254.1.1"], ["[0]", "[1]", "[2]"]],
  ["203.0.113.48/29", ["224.0.0.1", "198.51.100.1", "255.255.255.255"], ["[0]", "[2]"]],
  ["3fff:1::/32", ["::", "::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1"], ["[0]", "[1]", "[2]", "[3]", "[4]"]],
  [
    "203.0.113.56/29",
    ["198.51.100.1/32", "198.51.100", "web-1", "", " 198.51.100.1"],
    ["[0]", "[1]", "[2]", "[3]", "[4]"],
  ],
]

describe("RouteSpec", () => {
  it("is read for what it says, with each mended host bit and duplicate host as a warning at its place", () => {
    fc.assert(
      fc.property(entries, fc.constantFrom(undefined, 2), (list, indent) => {
        const { spec, warnings } = accepted(write(list, indent))
        const expected = list
          .map(({ cidr, hosts }) => [cidr, [...new Set(hosts.map(({ ip }) => ip))].toSorted()] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
        assert.deepStrictEqual(JSON.stringify([...spec]), JSON.stringify(expected))
        const mended = list.flatMap(({ key, hadHostBits, hosts }) => [
          ...(hadHostBits ? [`$["${key}"]`] : []),
          ...hosts.flatMap(({ ip }, index) =>
            hosts.findIndex((other) => other.ip === ip) < index ? [`$["${key}"][${index}]`] : [],
          ),
        ])
        assert.deepStrictEqual(
          warnings.map(({ path }) => path),
          mended.slice(0, maxProblems),
        )
      }),
      { numRuns: 300 },
    )
  })

  it("does not depend on the order in which it is written", () => {
    const shuffled = entries.chain((list) =>
      fc.record({
        list: fc.constant(list),
        other: fc
          .shuffledSubarray(list, { minLength: list.length })
          .map((reordered) => reordered.map((one) => ({ ...one, hosts: one.hosts.toReversed() }))),
      }),
    )
    fc.assert(
      fc.property(shuffled, ({ list, other }) => {
        const one = accepted(write(list)).spec
        const two = accepted(write(other)).spec
        assert.deepStrictEqual([...two], [...one])
        assert.strictEqual(JSON.stringify(encodeRouteSpec(two)), JSON.stringify(encodeRouteSpec(one)))
      }),
    )
  })

  it("is read back from what it is shown as, without a warning", () => {
    fc.assert(
      fc.property(entries, (list) => {
        const { spec } = accepted(write(list))
        const again = accepted(JSON.stringify(encodeRouteSpec(spec)))
        assert.deepStrictEqual([...again.spec], [...spec])
        assert.deepStrictEqual(again.warnings, [])
        assert.deepStrictEqual(hostsOf(again.spec), new Set([...spec.values()].flat()))
      }),
    )
  })

  it("is not accepted by halves: no part that a writer may have got to is a spec", () => {
    fc.assert(
      fc.property(entries, fc.constantFrom(undefined, 2), (list, indent) => {
        const text = write(list, indent)
        for (let length = 0; length < text.length; length++) {
          assert.isTrue(Result.isFailure(decodeRouteSpec(text.slice(0, length))), `the first ${length} characters`)
        }
      }),
      { numRuns: 50 },
    )
  })

  it("tells all faults at once, each at its place, and nothing of what is right", () => {
    fc.assert(
      fc.property(
        entries,
        fc.shuffledSubarray([...faulty], { minLength: 1 }),
        fc.infiniteStream(fc.boolean()),
        (list, bad, coin) => {
          const good = list.map(({ key, hosts }) => [key, hosts.map(({ text }) => text), []] as const)
          // Written by hand, as an object literal would swallow "__proto__".
          const all = [...good, ...bad].toSorted(() => (coin.next().value === true ? 1 : -1))
          const text = `{${all.map(([key, hosts]) => `${JSON.stringify(key)}: ${JSON.stringify(hosts)}`).join(", ")}}`
          const expected = all.flatMap(([key, , faults]) => faults.map((at) => `$[${JSON.stringify(key)}]${at}`))
          assert.deepStrictEqual(
            problemsOf(text).map(({ path }) => path),
            expected,
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it("names both places of a destination that is there twice, however it is spelt", () => {
    fc.assert(
      fc.property(entry, style, fc.boolean(), entries, ({ cidr, key, hosts }, other, far, rest) => {
        const address = cidr.slice(0, cidr.indexOf("/"))
        const prefix = cidr.slice(address.length)
        const respelt = (other === 0 ? address : address.toUpperCase()) + prefix
        fc.pre(rest.every((one) => one.cidr !== cidr))
        const member = (name: string) => `${JSON.stringify(name)}: ${JSON.stringify(hosts.map(({ text }) => text))}`
        const between = far ? rest.map((one) => `${member(one.key).split(": [")[0]}: []`) : []
        const problems = problemsOf(`{${[member(key), ...between, member(respelt)].join(",\n")}}`)
        assert.lengthOf(problems, 1)
        assert.strictEqual(problems[0]!.path, `$["${respelt}"]`)
        assert.include(
          problems[0]!.message,
          key === respelt
            ? `the same key twice: line 1, column 2, and line ${between.length + 2}, column 1`
            : `the same destination (${cidr}) as $["${key}"]`,
        )
      }),
    )
  })

  it("never throws, and says what is wrong in short printable lines, whatever it is given", () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json({ maxDepth: 40 }),
      fc
        .dictionary(fc.string({ unit: "binary", maxLength: 300 }), fc.jsonValue())
        .map((value) => JSON.stringify(value)),
      fc
        .tuple(entries, fc.nat(), fc.nat(4), fc.string({ unit: "binary", maxLength: 2 }))
        .map(([list, at, cut, put]) => {
          const text = write(list)
          const start = at % text.length
          return text.slice(0, start) + put + text.slice(start + cut)
        }),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        const decoded = decodeRouteSpec(text)
        if (Result.isSuccess(decoded)) {
          for (const [cidr, hosts] of decoded.success.spec) {
            assert.deepStrictEqual(hosts, [...new Set(hosts)].toSorted())
            assert.isTrue(hosts.every((host) => host.includes(":") === cidr.includes(":")))
          }
          return
        }
        assert.isAbove(decoded.failure.length, 0)
        assert.isAtMost(decoded.failure.length, maxProblems + 1)
        for (const line of lines(decoded.failure)) assert.match(line, /^\$[\x20-\x7e]{1,2500}$/)
      }),
      { numRuns: 2_000 },
    )
  })

  it("tells a hundred faults in full and counts the rest", () => {
    const hosts = Array.from({ length: 130 }, (_, index) => `x${index}`)
    const problems = problemsOf(JSON.stringify({ "10.0.0.0/8": hosts }))
    assert.lengthOf(problems, maxProblems + 1)
    assert.deepStrictEqual(problems.at(-1), { path: "$", message: "and 30 more" })
    const hopeless = Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`x${index}`, 1]))
    assert.include(problemsOf(JSON.stringify(hopeless)).at(-1)!.message, "and at least 9")
  })

  it("has limits, and takes what just keeps them", () => {
    const destinations = (count: number) =>
      JSON.stringify(
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`10.${index >> 8}.${index & 255}.0/24`, []])),
      )
    assert.strictEqual(accepted(destinations(maxDestinations)).spec.size, maxDestinations)
    assert.deepStrictEqual(lines(problemsOf(destinations(maxDestinations + 1))), [
      "$: expected at most 10000 destinations, got 10001",
    ])
    const hosts = (count: number) =>
      JSON.stringify({ "10.0.0.0/8": Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}`) })
    assert.strictEqual(hostsOf(accepted(hosts(maxHostsPerDestination)).spec).size, maxHostsPerDestination)
    assert.deepStrictEqual(lines(problemsOf(hosts(maxHostsPerDestination + 1))), [
      '$["10.0.0.0/8"]: expected at most 256 hosts, got 257',
    ])
    assert.deepStrictEqual(
      problemsOf(" ".repeat(2_000_000)).map(({ path }) => path),
      ["$"],
    )
  })

  it.each([
    ["{}", {}],
    ['{"10.66.17.0/24": ["10.33.30.22", "10.33.20.93"]}', { "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"] }],
    ['{"10.1.2.3/8": [], "FD00::1/16": ["fd01:0:0::1"]}', { "10.0.0.0/8": [], "fd00::/16": ["fd01::1"] }],
    // EC2 takes ranges that are wider than those it refuses.
    ['{"169.254.0.0/16": [], "::/0": [], "0.0.0.0/0": []}', { "0.0.0.0/0": [], "169.254.0.0/16": [], "::/0": [] }],
    ['\ufeff {"10.0.0.0/8": []}\r\n', { "10.0.0.0/8": [] }],
  ])("takes %s", (text, expected) => {
    assert.strictEqual(JSON.stringify(encodeRouteSpec(accepted(text).spec)), JSON.stringify(expected))
  })

  it.each([
    ["", "$: line 1, column 1: not JSON: the text is empty"],
    ["[]", "$: expected an object from destination CIDRs to lists of hosts, got a list"],
    ['"10.0.0.0/8"', '$: expected an object from destination CIDRs to lists of hosts, got "10.0.0.0/8"'],
    [
      '{"10.0.0.0/8": "10.1.1.1"}',
      '$["10.0.0.0/8"]: expected a list of hosts, got "10.1.1.1"; did you mean ["10.1.1.1"]?',
    ],
    [
      '{"10.0.0.0/8": null}',
      '$["10.0.0.0/8"]: expected a list of hosts, got null; an empty list, [], withdraws the route',
    ],
    [
      '{"10.0.0.1": []}',
      '$["10.0.0.1"]: expected a destination CIDR such as "10.66.17.0/24", got "10.0.0.1": it has no prefix length; ' +
        'did you mean "10.0.0.1/32"?',
    ],
    [
      '{"10.0.0.0/8": ["a.example"]}',
      '$["10.0.0.0/8"][0]: expected a host\'s IP address, got "a.example": names are not looked up',
    ],
    [
      '{"10.0.0.0/8": ["10.1.1.1:22"]}',
      '$["10.0.0.0/8"][0]: expected a host\'s IP address, got "10.1.1.1:22": a host is an address without a port',
    ],
    [
      '{"10.0.0.0/8": ["fd00::1"]}',
      '$["10.0.0.0/8"][0]: expected an IPv4 address, as the destination is IPv4, got fd00::1',
    ],
    [
      '{"10.0.0.0/8": [{"a": 1, "a": 2}]}',
      '$["10.0.0.0/8"][0]["a"]: the same key twice: line 1, column 18, and line 1, column 26; name it once',
    ],
  ])("refuses %s in plain words", (text, words) => {
    assert.include(lines(problemsOf(text)), words)
  })
})

describe("the spec of --fixed-cidr and --fixed-hosts", () => {
  it("is the one that the same destination and hosts make in JSON, whichever way the hosts are separated", () => {
    const separators = { 4: [":", ",", ", "], 6: [",", ", "] } as const
    fc.assert(
      fc.property(entry, fc.nat(), fc.boolean(), ({ family, key, hosts }, pick, bracketed) => {
        fc.pre(hosts.length > 0)
        const brackets = bracketed && family === 6
        const options = brackets ? [":", ","] : separators[family]
        const list = hosts.map(({ text }) => (brackets ? `[${text}]` : text)).join(options[pick % options.length])
        const fixed = Result.getOrThrow(decodeFixedSpec(key, list))
        const json = accepted(JSON.stringify({ [key]: hosts.map(({ text }) => text) }))
        assert.deepStrictEqual([...fixed.spec], [...json.spec])
        assert.deepStrictEqual(
          fixed.warnings.map(({ path }) => path),
          json.warnings.map(({ path }) =>
            path.replace(`$["${key}"]`, path.endsWith('"]') ? "--fixed-cidr" : "--fixed-hosts"),
          ),
        )
      }),
    )
  })

  it.each([
    ["10.0.0.1:10.0.0.2", ["10.0.0.1", "10.0.0.2"]],
    ["10.0.0.1 , 10.0.0.2", ["10.0.0.1", "10.0.0.2"]],
    ["fd00::1", ["fd00::1"]],
    ["fd00:0:0:0:0:0:0:1", ["fd00:0:0:0:0:0:0:1"]],
    ["[fd00::1]:[fd00::2],fd00::3", ["fd00::1", "fd00::2", "fd00::3"]],
    ["fd00::1:fd00::2", ["fd00::1:fd00::2"]],
    ["10.0.0.1:", ["10.0.0.1", ""]],
  ])("splits the hosts %s", (text, hosts) => {
    assert.deepStrictEqual(splitHosts(text), hosts)
  })

  it.each([
    ["10.0.0.0/8", "", "--fixed-hosts: expected at least one host"],
    ["10.0.0.0/8", "10.1.1.1:web-1", '--fixed-hosts[1]: expected a host\'s IP address, got "web-1"'],
    ["10.0.0.0/8", "fd00::1", "--fixed-hosts[0]: expected an IPv4 address"],
    ["10.0.0.0", "10.1.1.1", '--fixed-cidr: expected a destination CIDR such as "10.66.17.0/24", got "10.0.0.0"'],
    ["", "10.1.1.1", "--fixed-cidr: expected a destination CIDR"],
    ["fd00::/8", "fd00::1:fd00::2", "--fixed-hosts[0]: expected a host's IP address"],
  ])("is refused for %j and %j at the flag that is wrong", (destination, hosts, words) => {
    const decoded = decodeFixedSpec(destination, hosts)
    assert(Result.isFailure(decoded))
    assert.isTrue(
      lines(decoded.failure).some((line) => line.startsWith(words)),
      lines(decoded.failure).join("\n"),
    )
  })
})
