import { Effect } from "effect"
import type { Millis } from "../../../domain/Health.ts"
import { readThrown } from "../../AwsThrown.ts"
import { AlarmFailure, alarmFailure, type AlarmCall } from "./AlarmFailure.ts"

/**
 * One call of the SDK, cancelled by interruption, over after `limit` milliseconds with everything in it. What was refused
 * for its time stamp is signed anew and sent once more.
 */
export const sendCall = <A>(
  call: AlarmCall,
  limit: Millis,
  run: (abort: { readonly abortSignal: AbortSignal }) => Promise<A>,
): Effect.Effect<A, AlarmFailure> =>
  Effect.tryPromise({ try: (abortSignal) => run({ abortSignal }), catch: readThrown }).pipe(
    Effect.retry({ times: 1, while: ({ clockSkewed }) => clockSkewed }),
    Effect.mapError((thrown) => alarmFailure(call, thrown)),
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () =>
        Effect.fail(
          new AlarmFailure({
            kind: "unreachable",
            why: `${call.service} cannot be reached: no whole answer to ${call.action} within ${limit / 1_000} s`,
          }),
        ),
    }),
  )
