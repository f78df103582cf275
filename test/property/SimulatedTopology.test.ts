import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { defaultTopology } from "../../src/services/ec2/DefaultTopology.ts"
import { view } from "../../src/services/ec2/SimulatedVpc.ts"
import { decodeTopology } from "../../src/services/ec2/Topology.ts"
import { decodeTopologyText } from "../../src/services/ec2/TopologyText.ts"

const sound = {
  vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16"] },
  subnets: [{ id: "subnet-1", zone: "a", cidrs: ["10.33.20.0/24"] }],
  hosts: [{ interface: "eni-1", instance: "i-1", addresses: ["10.33.20.93"] }],
  tables: [{ id: "rtb-1", main: true, subnets: ["subnet-1"] }],
}

const pathsOf = (input: unknown): ReadonlyArray<string> =>
  Result.match(decodeTopology(input), {
    onFailure: ({ problems }) => problems.map(({ path }) => path),
    onSuccess: () => [],
  })

describe("the text of a topology", () => {
  const problemsOf = (text: string): ReadonlyArray<string> =>
    Result.match(decodeTopologyText(text), {
      onFailure: ({ problems }) => problems.map(({ path, message }) => `${path}: ${message}`),
      onSuccess: () => [],
    })

  it("has every repeated key told, with both places, beside all its other faults", () => {
    const text = `{
  "vpc": { "id": "vpc-1", "cidrs": ["10.33.0.0/16"], "id": "vpc-2" },
  "hosts": [{ "interface": "eni-1", "addresses": ["10.33.20.93"], "instance": "i-1", "instance": "i-2" }],
  "tables": [{ "id": "rtb-1", "main": true, "routes": [{ "destination": "10.66.0.0/16", "target": "eni-9" }] }, { "id": "rtb-1" }]
}`
    assert.deepStrictEqual(problemsOf(text), [
      "$.vpc.id: the key is there twice: at line 2, and again at line 2, column 54",
      "$.hosts[0].instance: the key is there twice: at line 3, and again at line 3, column 86",
      '$.tables[0].routes[0].target: no host has the interface eni-9; "gone": true says that it was deleted',
      "$.tables[1].id: rtb-1 is the id of $.tables[0], too",
    ])
  })

  it("that is no JSON says where", () => {
    assert.deepStrictEqual(problemsOf("{").length, 1)
    assert.match(problemsOf('{"vpc": nope}')[0] ?? "", /^\$: expected JSON: line 1, column 9: /)
  })

  it("is taken where a sound one is written as JSON", () => {
    fc.assert(
      fc.property(fc.constantFrom("", "\uFEFF"), fc.nat(4), (mark, indent) =>
        assert.deepStrictEqual(problemsOf(mark + JSON.stringify(sound, null, indent)), []),
      ),
    )
  })
})

describe("a topology for the simulation", () => {
  it("is accepted in its shortest form, with local routes and EC2's defaults", () => {
    const { vpc, latencyMillis } = Result.getOrThrow(decodeTopology(sound))
    assert.strictEqual(latencyMillis, 0)
    assert.strictEqual(vpc.routesPerTable, 500)
    const [table] = view(vpc).tables.values()
    assert.deepStrictEqual(
      table?.routes.map(({ destination, origin }) => ({ destination: `${destination}`, origin })),
      [{ destination: "10.33.0.0/16", origin: "CreateRouteTable" }],
    )
    const [found] = view(vpc).interfaces.values()
    assert.strictEqual(found?.zone, "a")
  })

  const faults: ReadonlyArray<readonly [what: string, input: unknown, path: string]> = [
    ["is no object", [], "$"],
    ["has no VPC", { ...sound, vpc: undefined }, "$.vpc"],
    ["has a VPC id of another kind", { ...sound, vpc: { ...sound.vpc, id: "rtb-1" } }, "$.vpc.id"],
    ["has a VPC without ranges", { ...sound, vpc: { id: "vpc-1", cidrs: [] } }, "$.vpc.cidrs[0]"],
    ["has host bits in a range", { ...sound, vpc: { id: "vpc-1", cidrs: ["10.33.1.0/16"] } }, "$.vpc.cidrs[0]"],
    ["has a key that nobody reads", { ...sound, host: [] }, "$.host"],
    ["has a latency below zero", { ...sound, latencyMillis: -1 }, "$.latencyMillis"],
    ["has a quota of no routes", { ...sound, quotas: { routesPerTable: 0 } }, "$.quotas.routesPerTable"],
    [
      "has an address that is none",
      { ...sound, hosts: [{ ...sound.hosts[0], addresses: ["10.33.20.93", "10.33.20"] }] },
      "$.hosts[0].addresses[1]",
    ],
    [
      "has an address outside the VPC",
      { ...sound, hosts: [{ ...sound.hosts[0], addresses: ["10.34.0.1"] }] },
      "$.hosts[0].addresses[0]",
    ],
    [
      "has an address twice",
      { ...sound, hosts: [...sound.hosts, { interface: "eni-2", instance: "i-2", addresses: ["10.33.20.93"] }] },
      "$.hosts[1].addresses[0]",
    ],
    [
      "has an interface twice",
      { ...sound, hosts: [...sound.hosts, { interface: "eni-1", instance: "i-2", addresses: ["10.33.20.9"] }] },
      "$.hosts[1].interface",
    ],
    [
      "has an instance state that EC2 does not have",
      { ...sound, hosts: [{ ...sound.hosts[0], state: "asleep" }] },
      "$.hosts[0].state",
    ],
    [
      "has a state for no instance",
      { ...sound, hosts: [{ interface: "eni-1", addresses: ["10.33.20.93"], state: "stopped" }] },
      "$.hosts[0].state",
    ],
    [
      "has two states for one instance",
      {
        ...sound,
        hosts: [
          { ...sound.hosts[0], state: "running" },
          { interface: "eni-2", instance: "i-1", addresses: ["10.33.20.9"], state: "stopped" },
        ],
      },
      "$.hosts[1].state",
    ],
    [
      "has a subnet outside the VPC",
      { ...sound, subnets: [{ ...sound.subnets[0], cidrs: ["10.34.0.0/24"] }] },
      "$.subnets[0].cidrs[0]",
    ],
    ["has a table with a subnet that is not there", { ...sound, subnets: [] }, "$.tables[0].subnets[0]"],
    [
      "has a subnet with two tables",
      { ...sound, tables: [...sound.tables, { id: "rtb-2", subnets: ["subnet-1"] }] },
      "$.tables[1].subnets[0]",
    ],
    ["has a table twice", { ...sound, tables: [...sound.tables, { id: "rtb-1" }] }, "$.tables[1].id"],
    [
      "has a route to an interface that no host has",
      { ...sound, tables: [{ ...sound.tables[0], routes: [{ destination: "10.66.0.0/16", target: "eni-9" }] }] },
      "$.tables[0].routes[0].target",
    ],
    [
      "has a table with more routes than its quota",
      {
        ...sound,
        quotas: { routesPerTable: 2 },
        tables: [
          {
            ...sound.tables[0],
            routes: [
              { destination: "10.66.0.0/16", target: "eni-1" },
              { destination: "pl-1", target: "eni-1", maxEntries: 1 },
            ],
          },
        ],
      },
      "$.tables[0].routes",
    ],
    ["has no main table", { ...sound, tables: [{ id: "rtb-1" }] }, "$.tables"],
    [
      "has a route to nowhere",
      { ...sound, tables: [{ ...sound.tables[0], routes: [{ destination: "10.66.0.0/16", target: "10.33.20.1" }] }] },
      "$.tables[0].routes[0].target",
    ],
    [
      "has a destination that is none",
      { ...sound, tables: [{ ...sound.tables[0], routes: [{ destination: "10.66.0.0", target: "eni-1" }] }] },
      "$.tables[0].routes[0].destination",
    ],
    [
      "has a destination twice",
      {
        ...sound,
        tables: [
          {
            ...sound.tables[0],
            routes: [
              { destination: "10.66.0.0/16", target: "eni-1" },
              { destination: "10.66.0.0/16", target: "igw-1" },
            ],
          },
        ],
      },
      "$.tables[0].routes[1].destination",
    ],
  ]

  for (const [what, input, path] of faults) {
    it(`that ${what} is rejected at ${path}`, () => {
      // As JSON: an undefined key is a missing one.
      assert.include(pathsOf(JSON.parse(JSON.stringify(input))), path)
    })
  }

  it("reports all faults at once", () => {
    const paths = pathsOf({
      vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16", "nonsense"] },
      hosts: [{ interface: "eni-1", instance: "i-1", addresses: ["nowhere"], sourceDestCheck: "off" }],
      tables: [{ id: "table" }],
    })
    assert.includeMembers(
      [...paths],
      ["$.vpc.cidrs[1]", "$.hosts[0].addresses[0]", "$.hosts[0].sourceDestCheck", "$.tables[0].id"],
    )
  })

  it("never throws, whatever it is", () => {
    fc.assert(fc.property(fc.jsonValue(), (input) => assert.isTrue(Result.isFailure(decodeTopology(input)))))
  })

  it("has a default with three zones, a main table and the hosts of the README's example", () => {
    const vpc = view(defaultTopology.vpc)
    assert.strictEqual(new Set([...vpc.interfaces.values()].map(({ zone }) => zone)).size, 3)
    assert.strictEqual([...vpc.tables.values()].filter(({ main }) => main).length, 1)
    const addresses = new Set([...vpc.interfaces.values()].flatMap((found) => found.addresses.map(String)))
    assert.isTrue(addresses.has("10.33.20.93") && addresses.has("10.33.30.22"))
    assert.isTrue([...vpc.interfaces.values()].some(({ requesterManaged }) => requesterManaged))
  })
})
