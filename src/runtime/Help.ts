import { commandNames, commandTable } from "./commands/CommandTable.ts"
import { exampleLines, helpWidth, type OptionSection, row, sectionLines, wrap } from "./HelpLayout.ts"
import { entryOf, optionGroups, optionNames, variableOf } from "./OptionTable.ts"

const examples: ReadonlyArray<readonly [command: string, what: string]> = [
  [
    "vpc-router -m configfile -f route-spec.json -r us-east-1 -v vpc-350d6a51",
    "Keep the routes of a spec file, and ping its hosts.",
  ],
  ["vpc-router -m http -r us-east-1 -v vpc-350d6a51 --dry-run", "Take specs by HTTP; only show what would be written."],
  ["vpc-router -m http --simulate", "Try it out: no AWS, no hosts, no privileges."],
  ["vpc-router plan spec.json -r us-east-1 -v vpc-350d6a51", "Show once what a spec would change."],
]

const spec = `{"10.66.17.0/24": ["10.33.20.93", "10.33.30.22"]}`

/** What `--help` prints, for a terminal that is so many columns wide. Plugins that were named have a section each. */
export const helpText = (columns: number, plugins: ReadonlyArray<OptionSection> = []): string => {
  const width = helpWidth(columns)
  const paragraph = (text: string) => wrap(text, width)
  const sections: ReadonlyArray<OptionSection> = optionGroups.map((group) => ({
    title: group,
    options: optionNames.filter((name) => entryOf(name).group === group).map((name) => [name, entryOf(name)]),
  }))
  return [
    "vpc-router keeps the route tables of an Amazon VPC correct.",
    "",
    ...paragraph(
      "A route spec says which hosts may carry each destination CIDR. vpc-router picks one healthy host for each, writes the route into the route tables, watches the hosts, and moves the route when its host fails. It runs until SIGTERM or Ctrl-C, also when its terminal closes, and leaves the routes as they are.",
    ),
    "",
    `A spec: ${spec}`,
    "",
    "Usage:",
    "  vpc-router --mode MODE --region REGION --vpc VPC [options]",
    "  vpc-router COMMAND [options]",
    "",
    "Examples:",
    ...exampleLines(examples, width),
    "",
    "Commands beside the daemon (vpc-router COMMAND --help tells more):",
    ...commandNames.flatMap((name) => row(name, commandTable[name].summary, width)),
    ...[...sections, ...plugins].flatMap((section) => sectionLines(section, width)),
    "",
    "Other:",
    ...row("-h, --help", "Show this.", width),
    ...row("    --version", "Show the version.", width),
    ...row("    --completions SHELL", "Print completions for bash, zsh, fish or powershell.", width),
    "",
    ...paragraph(
      `Words that options take (http, main, debug) may be in any case; ids, names, tags and files are as they are written. Every option can be set in the environment, too: --route-recheck-interval is ${variableOf("route-recheck-interval")}. The command line wins. Credentials, profile and endpoint come from the usual variables of AWS.`,
    ),
  ].join("\n")
}
