import { awsDecoders } from "./AwsDecoders.ts"
import type { Decoder } from "./Decoder.ts"
import { fileDecoders } from "./FileDecoders.ts"
import { networkDecoders } from "./NetworkDecoders.ts"
import { operatorDecoders } from "./OperatorDecoders.ts"

/** Whatever in `src` reads bytes or texts of others. */
export const decoders: ReadonlyArray<Decoder> = [
  ...fileDecoders,
  ...networkDecoders,
  ...awsDecoders,
  ...operatorDecoders,
]

/** What shows that a file of `src` reads something from outside. */
export const signsOfReading: ReadonlyArray<RegExp> = [
  /JSON\.parse\(/,
  /fromJsonString\(/,
  /decodeUnknown/,
  /new TextDecoder\(/,
  /readFile(String|Sync)?\(/,
  /(toString|Buffer\.from)\([^)]*"utf-?8"\)/,
  /new DataView\(/,
  /new \w+Command\(/,
  /\b(readOnce|lookAtFile|readStream)\(/,
  /\bMetadataService\(/,
  /\bparseJson(Text|Steps)\(/,
  /\bprocess\.(env|argv|stdin)\b/,
  /\brequest\.(headers|arrayBuffer|text|json|url)\b/,
  /\.on\("(message|response|data)"/,
  /\bConfig\.(String|Int|Number|Boolean)/,
  /HttpClient\.(execute|get|post)/,
]

/** Files with such a sign that need no decoder of their own, each with the reason. */
export const triedElsewhere: Readonly<Record<string, string>> = {
  "src/runtime/Daemon.ts": "hands the environment to OpenTelemetry's own reader; what that refuses is a StartFault",
  "src/runtime/Leave.ts": "hands the environment on, and reads nothing of it",
  "src/runtime/PluginChoices.ts": "a plugin's timing: test/property/PluginOptions.test.ts",
  "src/runtime/SystemdNotify.ts": "two numbers of systemd: test/integration/deploy/SystemdNotify.test.ts",
  "src/runtime/commands/check/Checks.ts": "only whether a variable is set",
  "src/runtime/metrics/OtlpExport.ts":
    "only the status of a collector's answer: test/integration/metrics/Otlp.long.test.ts",
  "src/services/FileAnswers.ts": "only whether a file can be read to its end",
  "src/services/PluginDefinition.ts": "a plugin's module: test/integration/plugins",
  "src/services/ec2/SnapshotThread.ts": "messages of our own thread",
  "src/services/ec2/SnapshotWorker.ts": "messages of our own thread",
  "src/services/health/RawSocket.ts": "hands packets on: test/integration/health/Icmp.test.ts, and forged ones",
  "src/services/http/ApiHandlers.ts": "only looks for a word in Accept",
  "src/services/http/HttpApp.ts": "requests as a whole: test/integration/http",
  "src/services/http/OneAtATime.ts": "counts bytes, and reads none",
  "src/services/http/PageFiles.ts": "our own files",
}
