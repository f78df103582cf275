import type { Ec2Error } from "../../../services/ec2/Ec2.ts"

/** As EC2 and IAM word it; the rest of the text is an encoded message that only an administrator can decode. */
const named =
  /not authorized to perform: (?<action>\S+)(?: on resource: (?<resource>\S+))?(?: (?<why>because .*?))?(?:\.|$)/
const encoded = /\.? *Encoded authorization failure message:.*$/s

/** Who could not do what: `ec2:CreateRoute on arn:…:route-table/rtb-1 is not allowed: because no … policy allows it`. */
export const deniedWords = ({ code, message, operation }: Ec2Error, resource?: string): string => {
  const said = named.exec(message)?.groups
  const action = said?.["action"] ?? `ec2:${operation}`
  const where = said?.["resource"] ?? resource
  const why = said?.["why"] ?? `${code}: ${message.replace(encoded, "")}`
  return `${action}${where === undefined ? "" : ` on ${where}`} is not allowed: ${why}`
}
