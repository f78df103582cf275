/**
 * A program that moves routes as a script would: all at once, the SDK's own retries, and what failed once more, until every write has succeeded.
 * `node PromiseAll.ts CELLS standard|adaptive`. It prints `ready`, begins when a line comes in, and prints the time it began.
 */
import { once } from "node:events"
import { DescribeVpcsCommand, EC2Client, ReplaceRouteCommand } from "@aws-sdk/client-ec2"
import { movesOf } from "../test/support/ec2/CarriedCells.ts"

const [, , cells = "", retryMode = ""] = process.argv
const client = new EC2Client({ retryMode })
// Everything is loaded, and a connection stands.
await client.send(new DescribeVpcsCommand({}))
process.stdout.write("ready\n")
await once(process.stdin, "data")
process.stdout.write(`${Date.now()}\n`)

let left = movesOf({ cells: Number(cells) })
while (left.length > 0) {
  const tried = await Promise.allSettled(left.map((move) => client.send(new ReplaceRouteCommand(move))))
  left = left.filter((_, n) => tried[n]?.status === "rejected")
}
process.exit()
