import { exampleLines, helpWidth, optionRow, type OptionSection, row, sectionLines, wrap } from "../HelpLayout.ts"
import { entryOf } from "../OptionTable.ts"
import { commandEntryOf } from "./CommandOptions.ts"
import { type CommandArgument, type CommandName, commandTable } from "./CommandTable.ts"

/** `FILE`, or `[FILE]` where it may be left out. */
const shownArgument = ({ isRequired, name }: CommandArgument): string => (isRequired ? name : `[${name}]`)

/** What `vpc-router COMMAND --help` prints, for a terminal that is so many columns wide. */
export const commandHelp = (name: CommandName, columns: number, plugins: ReadonlyArray<OptionSection> = []): string => {
  const width = helpWidth(columns)
  const { about, argument, examples, exits, own, shared, summary } = commandTable[name]
  return [
    ...wrap(summary, width),
    "",
    ...about.flatMap((paragraph) => [...wrap(paragraph, width), ""]),
    "Usage:",
    `  vpc-router ${name}${argument === undefined ? "" : ` ${shownArgument(argument)}`} [options]`,
    ...(argument === undefined ? [] : ["", ...row(argument.name, argument.help, width)]),
    "",
    "Options:",
    ...own.flatMap((option) => optionRow(option, commandEntryOf(option), width)),
    ...row("-h, --help", "Show this.", width),
    ...(shared.length === 0
      ? []
      : ["", "As for the daemon:", ...shared.flatMap((option) => optionRow(option, entryOf(option), width))]),
    ...plugins.flatMap((section) => sectionLines(section, width)),
    "",
    "Examples:",
    ...exampleLines(examples, width),
    "",
    "Exit codes:",
    ...exits.flatMap(([code, meaning]) => row(String(code), meaning, width)),
  ].join("\n")
}
