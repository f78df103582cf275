import { type FileSystem, type Layer, type Path, Predicate, Result, Schema, SchemaIssue } from "effect"
import type { Millis } from "../domain/Health.ts"

/** What a plugin's layer may ask for; everything else it brings itself. */
export type PluginServices = FileSystem.FileSystem | Path.Path

/**
 * An option that a plugin adds to the command line, and as `VPC_ROUTER_…` to the environment.
 *
 * | kind | given as | the plugin gets |
 * |---|---|---|
 * | `text` | any text but an empty one | `string` |
 * | `number` | a whole number from `least` (0) to `most` (999,999,999) | `number` |
 * | `seconds` | `30`, `0.5`, `500ms`, `5m` | milliseconds, as `number` |
 * | `list` | texts separated by commas; may be repeated | `ReadonlyArray<string>`, empty without any |
 * | `switch` | nothing, or `--name=false` | `boolean` |
 */
export interface PluginOption {
  readonly kind: "text" | "number" | "seconds" | "list" | "switch"
  /** One or two sentences for `--help`. */
  readonly description: string
  /** What stands for the value in the help: `URL`, `FILE` … */
  readonly metavar?: string
  /** As it would be given. */
  readonly default?: string
  /** Without it vpc-router does not start. */
  readonly required?: boolean
  /** The range of a `number`. */
  readonly least?: number
  readonly most?: number
}

/** Options by name, without the dashes in front: `"poll-interval"` is `--poll-interval`. */
export type PluginOptions = Readonly<Record<string, PluginOption>>

interface ValueOfKind {
  readonly text: string
  readonly number: number
  readonly seconds: Millis
  readonly list: ReadonlyArray<string>
  readonly switch: boolean
}

type ValueOf<O extends PluginOption> = O["kind"] extends "list" | "switch"
  ? ValueOfKind[O["kind"]]
  : O extends { readonly required: true } | { readonly default: string }
    ? ValueOfKind[O["kind"]]
    : ValueOfKind[O["kind"]] | undefined

/** What `layer` gets: the value of each option. */
export type PluginValues<O extends PluginOptions = PluginOptions> = { readonly [Name in keyof O]: ValueOf<O[Name]> }

/** What every plugin has. `Port` is the service that its layer gives. */
export interface PluginDefinition<Provides extends string, Port, O extends PluginOptions> {
  /** Which port it is for. */
  readonly provides: Provides
  /** Names it in the status and the log: lower-case letters, digits and dashes. */
  readonly name: string
  /** One sentence for `--help`. */
  readonly description?: string
  readonly options?: O
  /** Built anew, after a while, whenever what it gave has failed. */
  readonly layer: (values: PluginValues<O>) => Layer.Layer<Port, unknown, PluginServices>
}

/** How often a probe's hosts are asked, and how long an answer may take. Milliseconds. */
export interface ProbeTiming {
  /** Between two probes of a host that answers; 100 to 3,600,000. */
  readonly interval?: Millis | undefined
  /** Until a probe counts as missed; 10 to 60,000. A host fails after `--fall` of these in a row. */
  readonly timeout?: Millis | undefined
}

/** What a plugin may be for: `--mode` takes `config`, `--health` the other two. */
export const provisions = ["config", "health", "probe"] as const
export type Provides = (typeof provisions)[number]

/** A name, and an option's name. */
const kebabCase = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, { expected: "lower-case letters, digits and single dashes" }),
  Schema.isMaxLength(40),
)
const oneLine = Schema.String.check(Schema.isPattern(/^[^\p{Cc}]{0,500}$/u, { expected: "one line of text" }))
/** What a module exports as a function is called with plain values, and what it gives is looked at where it is used. */
const callable = Schema.declare((input): input is (argument: unknown) => unknown => Predicate.isFunction(input), {
  expected: "a function",
})

const OptionSchema = Schema.Struct({
  kind: Schema.Literals(["text", "number", "seconds", "list", "switch"]),
  description: oneLine,
  metavar: Schema.optional(oneLine),
  default: Schema.optional(Schema.String),
  required: Schema.optional(Schema.Boolean),
  least: Schema.optional(Schema.Finite),
  most: Schema.optional(Schema.Finite),
})

const DefinitionSchema = Schema.Struct({
  provides: Schema.Literals(provisions),
  name: kebabCase,
  description: Schema.optional(oneLine),
  options: Schema.optional(Schema.Record(kebabCase, OptionSchema)),
  layer: callable,
  timing: Schema.optional(callable),
})

/** A definition as it was read from a module. */
export type ReadDefinition = typeof DefinitionSchema.Type
export type ReadPluginOption = typeof OptionSchema.Type

const decode = Schema.decodeUnknownResult(DefinitionSchema, { errors: "all", onExcessProperty: "error" })
const inWords = SchemaIssue.makeFormatterStandardSchemaV1()

/** Reads the default export of a plugin's module; the failure says everything that is wrong with it. */
export const readDefinition = (exported: unknown): Result.Result<ReadDefinition, string> =>
  Result.mapError(decode(exported), ({ issue }) =>
    inWords(issue)
      .issues.map(({ message, path }) => {
        const place = (path ?? []).map((step) => String(Predicate.isObject(step) ? step.key : step)).join(".")
        return place === "" ? message : `${place}: ${message}`
      })
      .join("; "),
  )
