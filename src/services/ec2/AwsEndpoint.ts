import { endpointVariables } from "./AwsEc2Error.ts"

/** Where a call of the SDK goes. */
export interface Endpoint {
  /** `https:` or `http:`. */
  readonly protocol: string
  readonly hostname: string
  /** Undefined: the protocol's own. */
  readonly port: number | undefined
}

/** EC2's names in every partition, plain, FIPS and dual-stack (the SDK's own endpoint rules). */
const genuine =
  /^ec2(-fips)?\.[a-z]{2,}(-[a-z]+)+-\d+\.(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.(com\.cn|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|api\.aws\.(ic\.gov|scloud)|api\.cloud-aws\.adc-e\.uk)$/

const isLoopback = (address: string): boolean => address.startsWith("127.") || address === "::1"

/**
 * Why an endpoint may be something else than EC2 itself; undefined: it is EC2. Emulators carry out what is sent with
 * DryRun, so that a write may be tried only where this is undefined.
 */
export const whyCustom = (
  { hostname, port, protocol }: Endpoint,
  environment: Readonly<Record<string, string | undefined>>,
  addresses: ReadonlyArray<string> = [],
): string | undefined => {
  const variable = endpointVariables.find((name) => (environment[name] ?? "") !== "")
  if (variable !== undefined) return `custom endpoint (${variable})`
  const isGenuine = protocol === "https:" && (port === undefined || port === 443) && genuine.test(hostname)
  if (!isGenuine) return `custom endpoint (${protocol}//${hostname}${port === undefined ? "" : `:${port}`})`
  // Some emulators answer for EC2's own names.
  return addresses.some(isLoopback) ? `custom endpoint (${hostname} is this machine)` : undefined
}
