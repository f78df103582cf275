import { dispositionOf } from "../../domain/WriteFailure.ts"
import { Ec2Error } from "./Ec2.ts"

/** An {@link Ec2Error} from what an EC2 answer carries. `httpStatus` is undefined when no answer came. */
export const ec2Error = (failure: {
  readonly operation: string
  readonly code: string
  readonly message: string
  readonly httpStatus?: number | undefined
  readonly requestId?: string | undefined
}): Ec2Error =>
  new Ec2Error({
    operation: failure.operation,
    code: failure.code,
    message: failure.message,
    disposition: dispositionOf(failure.code, failure.httpStatus, failure.message),
    ...(failure.requestId === undefined ? {} : { requestId: failure.requestId }),
  })
