import { assert, describe, it } from "@effect/vitest"
import { regionOfQueue } from "../../src/services/health/cloudwatch/AwsAlarmQueue.ts"

describe("the URL of a queue", () => {
  it("says in which region calls are signed for, in every partition, and where it does not, nothing is made of it", () => {
    for (const [url, region] of [
      ["https://sqs.us-east-1.amazonaws.com/123456789012/alarms", "us-east-1"],
      ["https://sqs.cn-north-1.amazonaws.com.cn/123456789012/alarms", "cn-north-1"],
      ["https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/alarms", "us-gov-west-1"],
      ["https://sqs.eu-west-1.api.aws/123456789012/alarms", "eu-west-1"],
      ["https://eu-west-1.queue.amazonaws.com/123456789012/alarms", "eu-west-1"],
      ["https://queue.amazonaws.com/123456789012/alarms", undefined],
      ["http://127.0.0.1:4566/123456789012/alarms", undefined],
      ["https://sqs.example.com/123456789012/alarms", undefined],
      ["https://vpce-0a1b-2c3d.sqs.us-east-1.vpce.amazonaws.com/123456789012/alarms", "us-east-1"],
    ] as const)
      assert.strictEqual(regionOfQueue(url), region, url)
  })
})
