import type { OptionEntry, OptionName } from "../OptionTable.ts"

/** Options that only commands have, or that mean something else to them than to the daemon. */
export const commandOptionTable = {
  json: { kind: "switch", help: "Print JSON, for programs." },
  "assume-healthy": {
    kind: "switch",
    help: "Probe nobody: take every host of the spec for healthy. Needs no privileges.",
  },
  url: {
    kind: "value",
    metavar: "URL",
    help: "Where the daemon serves. Default: http://localhost:33289, or what VPC_ROUTER_ADDRESS and VPC_ROUTER_PORT say.",
  },
  watch: {
    kind: "switch",
    help: "Go on until Ctrl-C: draw it anew every two seconds on a terminal, else print a line for each change.",
  },
  timeout: {
    kind: "value",
    metavar: "SECONDS",
    help: "How long to wait until no route leads to the host. Default: 60.",
  },
  "token-file": {
    kind: "value",
    metavar: "FILE",
    isFile: true,
    help: "Holds the bearer token that a daemon on another machine asks for.",
  },
} as const satisfies Readonly<Record<string, OptionEntry>>

export type CommandOptionName = keyof typeof commandOptionTable

const isCommandOptionName = (name: string): name is CommandOptionName => Object.hasOwn(commandOptionTable, name)

export const commandOptionNames: ReadonlyArray<CommandOptionName> =
  Object.keys(commandOptionTable).filter(isCommandOptionName)

export const commandEntryOf = (name: CommandOptionName): OptionEntry => commandOptionTable[name]

/** Every name that an option of a command may have. */
export type AnyOptionName = OptionName | CommandOptionName
