import { Effect, type FileSystem, Result, type Scope } from "effect"
import { type AlarmMap, decodeAlarmMap } from "../domain/AlarmMap.ts"
import { readOnce } from "../services/FileLook.ts"
import * as AwsAlarmQueue from "../services/health/cloudwatch/AwsAlarmQueue.ts"
import * as AwsAlarms from "../services/health/cloudwatch/AwsAlarms.ts"
import * as CloudWatchHealth from "../services/health/cloudwatch/CloudWatchHealth.ts"
import type { HealthSource } from "../services/health/HealthSource.ts"
import type { HostInstances } from "../services/health/HostInstances.ts"
import { utf8Text } from "../services/Utf8.ts"
import type { AlarmChoice } from "./AlarmOptions.ts"
import { StartFault, startFault } from "./StartFault.ts"

const option = "--alarm-map"

const readMap = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<AlarmMap, StartFault, FileSystem.FileSystem> {
  const look = yield* readOnce(file)
  if (look._tag === "Unreadable") return yield* startFault(option, look.why)
  if (look._tag === "TooLarge") return yield* startFault(option, `${file}: expected at most 1 MiB`)
  const text = yield* Effect.fromResult(
    Result.mapError(utf8Text(look.bytes), () => startFault(option, `${file}: expected UTF-8 text`)),
  )
  return yield* Effect.fromResult(
    Result.mapError(
      decodeAlarmMap(text),
      (faults) =>
        new StartFault({
          problems: faults.map(({ message, path }) => ({ option, message: `${file}: ${path}: ${message}` })),
        }),
    ),
  )
})

/** What watches hosts by alarms, as the options say. No region: the SDK's own environment says. */
export const make = Effect.fnUntraced(function* (
  choice: AlarmChoice,
  region: string | undefined,
): Effect.fn.Return<HealthSource["Service"], StartFault, FileSystem.FileSystem | HostInstances | Scope.Scope> {
  const { insufficientData, interval, mapFile, names, prefixes, queueUrl } = choice
  const hostsOf: AlarmMap = mapFile === undefined ? new Map() : yield* readMap(mapFile)
  const scope = { prefixes, names: new Set(names), hostsOf }
  const alarms = yield* AwsAlarms.make({ region, scope })
  const queue = queueUrl === undefined ? undefined : yield* AwsAlarmQueue.make({ region, queueUrl })
  return yield* CloudWatchHealth.make(alarms, { scope, insufficientData, interval, queue })
})
