import { Context, type Effect } from "effect"
import type { Alarm } from "../../../domain/Alarm.ts"
import type { AlarmFailure } from "./AlarmFailure.ts"

/** Reads alarms. */
export class Alarms extends Context.Service<
  Alarms,
  {
    /** Every alarm that may count for some host: all pages, or a failure. No call is tried again. */
    readonly poll: Effect.Effect<ReadonlyArray<Alarm>, AlarmFailure>
  }
>()("vpc-router/services/health/cloudwatch/Alarms") {}
