import { entryOf, type OptionGroup, type OptionName, optionNames } from "../OptionTable.ts"
import type { CommandOptionName } from "./CommandOptions.ts"

export const commandNames = ["plan", "check", "validate", "status", "drain", "undrain"] as const
export type CommandName = (typeof commandNames)[number]

/** What a command takes beside its options. */
export interface CommandArgument {
  readonly name: string
  readonly help: string
  readonly isRequired: boolean
  readonly isFile: boolean
}

/** All that help, parser and completions know of a command. */
export interface CommandEntry {
  /** One line. */
  readonly summary: string
  /** Paragraphs. */
  readonly about: ReadonlyArray<string>
  readonly argument?: CommandArgument
  readonly own: ReadonlyArray<CommandOptionName>
  /** Options of the daemon that mean the same to the command. */
  readonly shared: ReadonlyArray<OptionName>
  /** Options of the daemon that it takes and that change nothing, so that it can be put in front of a daemon's options. */
  readonly idle: ReadonlyArray<OptionName>
  readonly examples: ReadonlyArray<readonly [command: string, what: string]>
  readonly exits: ReadonlyArray<readonly [code: number, meaning: string]>
}

/** For those who look for the daemon's own `--port` in a command that asks a daemon. */
export const urlAdvice = "--url http://HOST:PORT says where"

const planningGroups: ReadonlySet<OptionGroup> = new Set<OptionGroup>([
  "What to route",
  "AWS",
  "Health",
  "What may be touched",
  "Trying it out",
])
/** They are about a process that goes on running. */
const runningOnly: ReadonlySet<OptionName> = new Set<OptionName>(["route-recheck-interval", "state-file", "dry-run"])

/** What a plan depends on. */
const planning = optionNames.filter((name) => planningGroups.has(entryOf(name).group) && !runningOnly.has(name))
const notPlanning = optionNames.filter((name) => !planning.includes(name))

const file: Omit<CommandArgument, "help"> = { name: "FILE", isRequired: false, isFile: true }
const host: CommandArgument = {
  name: "IP",
  help: "A host of the spec, by the address that the spec names.",
  isRequired: true,
  isFile: false,
}

const daemonFronted =
  "It takes the daemon's options: put its name in front of them. Options that are about running (HTTP, logs) change nothing."

export const commandTable: Readonly<Record<CommandName, CommandEntry>> = {
  plan: {
    summary: "Show what would be written, table by table. Writes nothing.",
    about: [
      "Reads EC2 once, watches the hosts until there is a verdict on each (16 s at most), and shows what the daemon would do: + create, ~ replace, - delete, ! held back with its reason.",
      daemonFronted,
    ],
    argument: { ...file, help: "The route spec, as --file; - is standard input." },
    own: ["assume-healthy", "json"],
    shared: planning,
    idle: notPlanning,
    examples: [
      [
        "vpc-router plan spec.json -r us-east-1 -v vpc-350d6a51",
        "What a spec would change, before it is put in place.",
      ],
      ["vpc-router plan spec.json --simulate", "The same on the built-in simulated VPC."],
      [
        "curl -s localhost:33289/route_spec | vpc-router plan - -v vpc-350d6a51",
        "What a running daemon's spec asks for.",
      ],
    ],
    exits: [
      [0, "nothing to write"],
      [2, "there are changes"],
      [1, "it could not be found out"],
    ],
  },
  check: {
    summary: "Find what would keep the daemon from working, before it runs.",
    about: [
      "Looks whether EC2 may be read and, by dry runs, each write of each table in scope; whether the hosts of the spec are in the VPC, answer and forward; whether the tables have room; whether the way to the EC2 API leads over a route that vpc-router would manage; and whether this machine's clock is right.",
      "Nothing is written. At a custom endpoint (AWS_ENDPOINT_URL, or endpoint_url in a profile) writes are not tried: emulators carry out a dry run.",
      daemonFronted,
    ],
    argument: {
      ...file,
      help: "The route spec, as --file; - is standard input. Without one, its hosts are not looked at.",
    },
    own: ["assume-healthy", "json"],
    shared: planning,
    idle: notPlanning,
    examples: [
      [
        "vpc-router check -m configfile -f route-spec.json -r us-east-1 -v vpc-350d6a51",
        "A daemon's options, with check in front.",
      ],
      ["vpc-router check -r us-east-1 -v vpc-350d6a51", "Permissions and tables alone."],
    ],
    exits: [
      [0, "ready, perhaps with warnings"],
      [1, "something fails, or it could not be found out"],
    ],
  },
  validate: {
    summary: "Check a route spec without AWS: every fault, with its place.",
    about: [
      "Reads a route spec as the daemon does, and lists all its faults, and what would be mended with a warning.",
    ],
    argument: { ...file, isRequired: true, help: "The route spec; - is standard input." },
    own: ["json"],
    shared: [],
    idle: [],
    examples: [["vpc-router validate route-spec.json", "In a commit hook or a pipeline."]],
    exits: [
      [0, "it would be accepted"],
      [1, "it has faults, or cannot be read"],
    ],
  },
  status: {
    summary: "Show what a running daemon does: routes, hosts, what is held and why.",
    about: ["Asks a daemon for GET /status, and shows what an operator looks for first."],
    own: ["url", "watch", "json"],
    shared: [],
    idle: [],
    examples: [
      ["vpc-router status", "The daemon on this machine."],
      ["vpc-router status --watch --url http://10.33.20.5:33289", "Another one, for as long as it is looked at."],
    ],
    exits: [
      [0, "all is well"],
      [2, "a host failed, or something is held"],
      [1, "no daemon answers"],
    ],
  },
  drain: {
    summary: "Move the routes off a healthy host before maintenance, and wait until it is done.",
    about: [
      "Asks a daemon to take a host out of service: it gains no routes, and those that it carries move to other healthy hosts. Waits until no route leads to it, or says why not. It stays drained until it is put back by vpc-router undrain.",
    ],
    argument: host,
    own: ["url", "token-file", "timeout", "json"],
    shared: [],
    idle: [],
    examples: [["vpc-router drain 10.33.20.93", "Then stop it, and put it back by vpc-router undrain 10.33.20.93."]],
    exits: [
      [0, "drained; no route leads to it"],
      [2, "drained, but routes still lead to it; why is printed"],
      [1, "not drained"],
    ],
  },
  undrain: {
    summary: "Put a drained host back into service.",
    about: ["The host may carry routes again. No route moves back by it: healthy hosts keep theirs."],
    argument: host,
    own: ["url", "token-file", "json"],
    shared: [],
    idle: [],
    examples: [["vpc-router undrain 10.33.20.93", "After maintenance."]],
    exits: [
      [0, "in service again"],
      [1, "nothing was changed"],
    ],
  },
}
