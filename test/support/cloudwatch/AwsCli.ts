import { Effect, type Scope } from "effect"
import { awsEnvironment } from "../ec2/AwsEnvironment.ts"
import { runProcess } from "../daemon/RunningProcess.ts"
import { ToolFailed } from "../netns/Tools.ts"

/** Older ones do not know the variable that names the endpoint. */
const prelude = `
command -v aws >/dev/null || { echo "the AWS CLI is not installed: on Debian, apt-get install awscli" >&2; exit 127; }
aws() { command aws --endpoint-url "$ENDPOINT" --no-cli-pager "$@"; }
case $(command aws --version 2>&1) in aws-cli/1.*) aws() { command aws --endpoint-url "$ENDPOINT" "$@"; } ;; esac
set -eu
`

/** Runs lines of a shell that call the AWS CLI, against the AWS at `endpoint`. Gives what they print. */
export const awsCli = Effect.fnUntraced(function* (
  endpoint: string,
  script: string,
  variables: Readonly<Record<string, string>> = {},
): Effect.fn.Return<string, ToolFailed, Scope.Scope> {
  const environment = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    ...awsEnvironment(endpoint),
    AWS_DEFAULT_REGION: "us-east-1",
    ENDPOINT: endpoint,
    REGION: "us-east-1",
    ACCOUNT: "123456789012",
    ...variables,
  }
  const running = yield* runProcess("bash", ["-c", prelude + script], environment)
  const { code } = yield* running.exit
  return code === 0
    ? running.output()
    : yield* new ToolFailed({ message: `${script}\nended with ${code}: ${running.errors()}${running.output()}` })
})
