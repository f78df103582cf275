import type { Thrown } from "../AwsThrown.ts"
import type { Ec2Error } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"

/** The port's error for what the SDK threw. */
export const fromThrown = (operation: string, thrown: Thrown): Ec2Error =>
  ec2Error({
    operation,
    code: thrown.code,
    message: thrown.message,
    httpStatus: thrown.httpStatus,
    requestId: thrown.requestId,
  })
