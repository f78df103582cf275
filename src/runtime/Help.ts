import { entryOf, optionGroups, optionNames, type OptionName, variableOf } from "./OptionTable.ts"

const examples: ReadonlyArray<readonly [command: string, what: string]> = [
  [
    "vpc-router -m configfile -f route-spec.json -r us-east-1 -v vpc-350d6a51",
    "Keep the routes of a spec file, and ping its hosts.",
  ],
  ["vpc-router -m http -r us-east-1 -v vpc-350d6a51 --dry-run", "Take specs by HTTP; only show what would be written."],
  ["vpc-router -m http --simulate", "Try it out: no AWS, no hosts, no privileges."],
]

const spec = `{"10.66.17.0/24": ["10.33.20.93", "10.33.30.22"]}`

const left = (name: OptionName): string => {
  const { kind, metavar, short } = entryOf(name)
  const value = metavar === undefined ? "" : kind === "optional-value" ? ` [${metavar}]` : ` ${metavar}`
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value}`
}

/** Breaks at spaces, into lines of at most `width`. */
const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const column = 36

const row = (start: string, text: string, width: number): ReadonlyArray<string> => {
  const [first = "", ...rest] = wrap(text, width - column)
  const indented = rest.map((line) => " ".repeat(column) + line)
  const head = `  ${start}`
  return head.length + 1 < column
    ? [head.padEnd(column) + first, ...indented]
    : [head, " ".repeat(column) + first, ...indented]
}

/** What `--help` prints, for a terminal that is so many columns wide. */
export const helpText = (columns: number): string => {
  const width = Math.min(100, Math.max(80, columns))
  const paragraph = (text: string) => wrap(text, width)
  const options = optionGroups.flatMap((group) => [
    "",
    `${group}:`,
    ...optionNames
      .filter((name) => entryOf(name).group === group)
      .flatMap((name) => row(left(name), entryOf(name).help, width)),
  ])
  return [
    "vpc-router keeps the route tables of an Amazon VPC correct.",
    "",
    ...paragraph(
      "A route spec says which hosts may carry each destination CIDR. vpc-router picks one healthy host for each, writes the route into the route tables, watches the hosts, and moves the route when its host fails. It runs until SIGTERM or Ctrl-C, and leaves the routes as they are.",
    ),
    "",
    `A spec: ${spec}`,
    "",
    "Usage:",
    "  vpc-router --mode MODE --region REGION --vpc VPC [options]",
    "",
    "Examples:",
    ...examples.flatMap(([command, what]) => [`  ${command}`, `      ${what}`]),
    ...options,
    "",
    "Other:",
    ...row("-h, --help", "Show this.", width),
    ...row("    --version", "Show the version.", width),
    ...row("    --completions SHELL", "Print completions for bash, zsh, fish or powershell.", width),
    "",
    ...paragraph(
      `Every option can be set in the environment, too: --route-recheck-interval is ${variableOf("route-recheck-interval")}. The command line wins. Credentials, profile and endpoint come from the usual variables of AWS.`,
    ),
  ].join("\n")
}
