import { type AwsCall, callCode, callWords } from "../AwsCallWords.ts"
import type { Thrown } from "../AwsThrown.ts"
import type { Ec2Error } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"

/** Variables that lead the SDK's calls of EC2 elsewhere ("Service-specific endpoints", AWS SDKs reference guide). */
export const endpointVariables = ["AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL"] as const

/** The port's error for what the SDK threw. */
export const fromThrown = (
  operation: string,
  thrown: Thrown,
  call: Pick<AwsCall, "endpoint" | "environment">,
): Ec2Error =>
  ec2Error({
    operation,
    code: callCode(thrown),
    message: callWords(thrown, { ...call, endpointVariables }),
    httpStatus: thrown.httpStatus,
    requestId: thrown.requestId,
  })
