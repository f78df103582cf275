import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { VpcId } from "../../../src/domain/Ids.ts"
import { makeClient } from "../../../src/services/ec2/AwsClient.ts"
import { readSnapshot, toVpc } from "../../../src/services/ec2/ReadSnapshot.ts"
import { makeSnapshotThread } from "../../../src/services/ec2/SnapshotThread.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { largeVpcId } from "../../support/ec2/LargeEc2.ts"
import { serveLargeVpc } from "../../support/ec2/LargeStand.ts"
import { makeEc2 } from "./AwsEc2Stand.ts"

const vpcId = VpcId(largeVpcId)
const size = { tables: 15, routes: 150, hosts: 600 }

const stand = Effect.fnUntraced(function* () {
  const served = yield* serveLargeVpc(size)
  yield* withEnvironment(awsEnvironment(served.endpoint))
  return served
})

describe("a VPC too large to be read beside the probes", () => {
  it.live(
    "is read by a thread of its own, is the same that would be read without, and the same object while nothing changes",
    () =>
      Effect.gen(function* () {
        yield* stand()
        const client = yield* makeClient(undefined)
        const pages = { firstTables: 100, tables: 100, others: 1_000 }
        const here = toVpc(
          vpcId,
          yield* readSnapshot(client, vpcId, { pages, concurrency: 1, onPage: () => Effect.void }),
        )
        const { snapshot } = yield* makeEc2(vpcId)
        const there = yield* snapshot
        assert.deepStrictEqual(there, here)
        assert.strictEqual(there.tables.size, size.tables)
        assert.strictEqual(there.interfaces.size, size.hosts)
        assert.strictEqual(yield* snapshot, there)
      }),
  )

  it.live("that cannot be read fails in EC2's words, and is read again when it can", () =>
    Effect.gen(function* () {
      const served = yield* stand()
      const { snapshot } = makeSnapshotThread(vpcId, undefined)
      yield* snapshot
      yield* served.kill
      const error = yield* Effect.flip(snapshot)
      assert.strictEqual(error._tag, "Ec2Error")
      assert.strictEqual(error.disposition, "transient")
      assert.include(error.message, served.endpoint)
    }),
  )

  it.live("whose reading is interrupted is read anew by the next one", () =>
    Effect.gen(function* () {
      yield* stand()
      const { snapshot } = makeSnapshotThread(vpcId, undefined)
      const reading = yield* Effect.forkChild(snapshot)
      yield* Effect.sleep("200 millis")
      yield* Fiber.interrupt(reading)
      assert.strictEqual((yield* snapshot).tables.size, size.tables)
    }),
  )
})
