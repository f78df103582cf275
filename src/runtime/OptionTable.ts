/** How an option is given. */
export type OptionKind =
  /** `--name VALUE`, once. */
  | "value"
  /** `--name A,B`; may be repeated, the lists are joined. */
  | "list"
  /** `--name`, or `--name=false` to take back what the environment says. */
  | "switch"
  /** `--name` or `--name VALUE`. */
  | "optional-value"

export interface OptionEntry {
  readonly kind: OptionKind
  readonly short?: string
  /** What stands for the value in the help. */
  readonly metavar?: string
  /** Words that it takes, for completions. */
  readonly words?: ReadonlyArray<string>
  /** It names a file, for completions. */
  readonly isFile?: boolean
  readonly help: string
}

export const optionGroups = [
  "What to route",
  "AWS",
  "Health",
  "When not to act",
  "What may be touched",
  "HTTP",
  "Logs",
  "Trying it out",
] as const
export type OptionGroup = (typeof optionGroups)[number]

/** Every option, in the order of the help. */
export const optionTable = {
  mode: {
    group: "What to route",
    kind: "value",
    short: "m",
    metavar: "MODE",
    words: ["configfile", "http", "fixedconf"],
    help: "Where the route spec comes from: configfile, http or fixedconf.",
  },
  file: {
    group: "What to route",
    kind: "value",
    short: "f",
    metavar: "FILE",
    isFile: true,
    help: "configfile: the route spec, as JSON. Changes are noticed.",
  },
  "fixed-cidr": { group: "What to route", kind: "value", metavar: "CIDR", help: "fixedconf: the destination." },
  "fixed-hosts": {
    group: "What to route",
    kind: "value",
    metavar: "IP:IP…",
    help: "fixedconf: its hosts, separated by colons (or by commas).",
  },
  region: {
    group: "AWS",
    kind: "value",
    short: "r",
    metavar: "REGION",
    help: "The region of the VPC. Default: AWS_REGION; on EC2: the region that this runs in.",
  },
  vpc: {
    group: "AWS",
    kind: "value",
    short: "v",
    metavar: "VPC",
    help: "The id of the VPC. Default, on EC2: the one that this runs in.",
  },
  "route-recheck-interval": {
    group: "AWS",
    kind: "value",
    metavar: "SECONDS",
    help: "How often the route tables are read again, to repair what others changed. 0: never. Default: 30.",
  },
  health: {
    group: "Health",
    kind: "list",
    short: "H",
    metavar: "CHECKS",
    words: ["icmpecho", "tcp", "http", "cloudwatch", "ec2", "multi"],
    help: "How hosts are watched: icmpecho, tcp, http, cloudwatch, ec2 (what EC2 says of its instance), or a list of them. multi is icmpecho,tcp. Default: icmpecho; with --simulate: simulated.",
  },
  "health-policy": {
    group: "Health",
    kind: "value",
    metavar: "POLICY",
    words: ["any-fails", "all-fail", "quorum:2"],
    help: "When a host has failed that several checks watch: any-fails, all-fail, or quorum:N, when at least N of them fail it. Default: any-fails.",
  },
  "icmp-check-interval": {
    group: "Health",
    kind: "value",
    metavar: "SECONDS",
    help: "Between two pings of a host. Default: 1.",
  },
  "tcp-check-port": {
    group: "Health",
    kind: "value",
    metavar: "PORT",
    help: "The port that must accept connections. Default: 22.",
  },
  "tcp-check-interval": {
    group: "Health",
    kind: "value",
    metavar: "SECONDS",
    help: "Between two connections to a host. Default: 1.",
  },
  "http-check-path": {
    group: "Health",
    kind: "value",
    metavar: "PATH",
    help: "http: what is asked for. Default: /.",
  },
  "http-check-port": {
    group: "Health",
    kind: "value",
    metavar: "PORT",
    help: "http: where. Default: 80; with --http-check-tls: 443.",
  },
  "http-check-status": {
    group: "Health",
    kind: "list",
    metavar: "STATUSES",
    help: "http: the answers of a host that is well; redirects are not followed. Default: 200-399.",
  },
  "http-check-tls": { group: "Health", kind: "switch", help: "http: ask by HTTPS." },
  "http-check-host": {
    group: "Health",
    kind: "value",
    metavar: "NAME",
    help: "http: the name in Host, for SNI, and in the certificate. Default: the host's address.",
  },
  "http-check-insecure": { group: "Health", kind: "switch", help: "http: accept any certificate." },
  "http-check-interval": {
    group: "Health",
    kind: "value",
    metavar: "SECONDS",
    help: "http: between two requests to a host. Default: as for pings.",
  },
  "http-check-timeout": {
    group: "Health",
    kind: "value",
    metavar: "SECONDS",
    help: "http: how long an answer is waited for; the longer, the later a failure is found. Default: 0.5.",
  },
  "ec2-interval": {
    group: "Health",
    kind: "value",
    metavar: "SECONDS",
    help: "ec2: how often EC2 is asked, 100 hosts a call. Default: 5.",
  },
  detect: {
    group: "Health",
    kind: "value",
    metavar: "MODE",
    words: ["normal", "fast"],
    help: "How soon a silent host has failed: normal, within 1.5 s by one probe a second; fast, within 1.0 s by one every 300 ms. Default: normal.",
  },
  fall: {
    group: "Health",
    kind: "value",
    metavar: "COUNT",
    help: "Missed answers in a row that make a host failed. Default: 3 (with --detect fast: 4), and more in the same time where many hosts are watched.",
  },
  rise: {
    group: "Health",
    kind: "value",
    metavar: "COUNT",
    help: "Answers in a row that make it healthy again. Default: 2.",
  },
  "alarm-prefix": {
    group: "Health",
    kind: "list",
    metavar: "PREFIXES",
    help: "cloudwatch: alarms whose names begin so count as well as EC2's status checks, for the instance that they name.",
  },
  alarms: {
    group: "Health",
    kind: "list",
    metavar: "NAMES",
    help: "cloudwatch: alarms of these names count as well, for the instance that they name.",
  },
  "alarm-map": {
    group: "Health",
    kind: "value",
    metavar: "FILE",
    isFile: true,
    help: "cloudwatch: says which hosts further alarms count for, composite ones too, as JSON: alarm name to address, or list of them.",
  },
  "insufficient-data": {
    group: "Health",
    kind: "value",
    metavar: "WORD",
    words: ["keep", "failed", "healthy"],
    help: "cloudwatch: what an alarm without data means: keep (what it said last), failed or healthy. Default: keep.",
  },
  "alarm-interval": {
    group: "Health",
    kind: "value",
    metavar: "SECONDS",
    help: "cloudwatch: how often alarms are read. Default: 10.",
  },
  "alarm-queue-url": {
    group: "Health",
    kind: "value",
    metavar: "URL",
    help: "cloudwatch: the SQS queue, this daemon's own, that EventBridge puts changes of alarms on; they are known within about a second.",
  },
  anchor: {
    group: "When not to act",
    kind: "list",
    metavar: "ADDRESSES",
    help: "Addresses that carry no routes and always answer, best one a zone. While none of them does that ever did, it is this monitor that is cut off, and nothing is written. May be repeated. Default: none.",
  },
  "mass-failure": {
    group: "When not to act",
    kind: "value",
    metavar: "SHARE",
    words: ["off"],
    help: "When more than this share of at least three hosts fail within 10 s, and not just one zone, nothing is moved off them until it is confirmed or few enough are left. off: never. Default: two thirds.",
  },
  "failover-limit": {
    group: "When not to act",
    kind: "value",
    metavar: "COUNT",
    words: ["auto", "off"],
    help: "How many hosts are failed over in a minute; the others wait, or are confirmed. auto: half of the hosts, or those of the fullest zone. Default: auto.",
  },
  "flap-damping": {
    group: "When not to act",
    kind: "value",
    metavar: "SECONDS",
    words: ["off"],
    help: "How long a host that failed again soon after it recovered is chosen after all others; doubles each time, up to 20 times as long. Default: 30.",
  },
  tables: {
    group: "What may be touched",
    kind: "list",
    metavar: "TABLES",
    help: "The route tables to keep: rtb-… ids, main, tag:Key=Value, or all. Default: every table of the VPC, but no default routes are created in any. Tables of gateways are never touched.",
  },
  own: {
    group: "What may be touched",
    kind: "list",
    metavar: "CIDRS",
    help: "Only destinations inside these ranges are created, changed or deleted. Default: all.",
  },
  "ignore-routes": {
    group: "What may be touched",
    kind: "list",
    metavar: "CIDRS",
    help: "Destinations inside these ranges (or at these addresses) are left alone.",
  },
  "state-file": {
    group: "What may be touched",
    kind: "value",
    metavar: "FILE",
    isFile: true,
    help: "Keeps the spec, drained hosts and confirmations over a restart. Default: they are forgotten, and nothing is written until a spec comes.",
  },
  "dry-run": {
    group: "What may be touched",
    kind: "switch",
    help: "Write nothing; log and show what would be written.",
  },
  address: {
    group: "HTTP",
    kind: "value",
    short: "a",
    metavar: "ADDRESS",
    help: "Where to serve. Default: localhost. 0.0.0.0 or :: for all interfaces.",
  },
  port: { group: "HTTP", kind: "value", short: "p", metavar: "PORT", help: "Default: 33289. 0: any free port." },
  "allowed-host": {
    group: "HTTP",
    kind: "list",
    metavar: "NAME",
    help: "A name by which clients may call this server, besides its address and localhost. May be repeated.",
  },
  "token-file": {
    group: "HTTP",
    kind: "value",
    metavar: "FILE",
    isFile: true,
    help: "Holds the bearer token that writes from other machines need.",
  },
  "allow-unauthenticated-writes": {
    group: "HTTP",
    kind: "switch",
    help: "Let other machines write without a token.",
  },
  logfile: {
    group: "Logs",
    kind: "value",
    short: "l",
    metavar: "FILE",
    isFile: true,
    help: "Append the log to this file. SIGHUP opens it anew. - is standard output, the default. A FIFO is not waited for: it needs a reader at the start, and lines that its reader is too slow for are left out.",
  },
  "audit-log": {
    group: "Logs",
    kind: "value",
    metavar: "FILE",
    isFile: true,
    help: "Append to this file, as JSON lines, who changed what: every write, accepted spec, drain and confirmation. SIGHUP opens it anew.",
  },
  "otlp-endpoint": {
    group: "Logs",
    kind: "value",
    metavar: "URL",
    help: "Send metrics, logs and traces to this OpenTelemetry collector, by OTLP over HTTP, such as http://localhost:4318.",
  },
  "log-format": {
    group: "Logs",
    kind: "value",
    metavar: "FORMAT",
    words: ["auto", "pretty", "json"],
    help: "pretty, json (one object a line), or auto: pretty on a terminal. Default: auto.",
  },
  "log-level": {
    group: "Logs",
    kind: "value",
    metavar: "LEVEL",
    words: ["debug", "info", "warn", "error"],
    help: "debug, info, warn or error. Default: info.",
  },
  verbose: { group: "Logs", kind: "switch", help: "The same as --log-level debug." },
  simulate: {
    group: "Trying it out",
    kind: "optional-value",
    metavar: "FILE",
    isFile: true,
    help: "Use a simulated VPC and simulated hosts: the built-in ones, or those that FILE describes. Needs no AWS account.",
  },
} as const satisfies Readonly<Record<string, OptionEntry & { readonly group: OptionGroup }>>

export type OptionName = keyof typeof optionTable

const isOptionName = (name: string): name is OptionName => Object.hasOwn(optionTable, name)

/** All options, in the order of the help. */
export const optionNames: ReadonlyArray<OptionName> = Object.keys(optionTable).filter(isOptionName)

export const entryOf = (name: OptionName): OptionEntry & { readonly group: OptionGroup } => optionTable[name]

/** `VPC_ROUTER_ROUTE_RECHECK_INTERVAL` for `route-recheck-interval`. */
export const variableOf = (name: string): string => `VPC_ROUTER_${name.replaceAll("-", "_").toUpperCase()}`
