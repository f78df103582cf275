// Which parts of src may import what: the oxlint rule `house/may-touch`.
import { dirname, join, sep } from "node:path"
import { root } from "../setup.mjs"

/** Modules of effect without effects: values, data structures, parsing. What the domain may name. */
const pure = new Set(
  `Array BigDecimal BigInt Boolean Brand Chunk Combiner Data Encoding Equal Equivalence Filter Function Hash HashMap
  HashSet Iterable Match MutableHashMap MutableHashSet MutableList Number Option Order Ordering Pipeable Predicate Record
  Reducer RegExp Result Schema SchemaAST SchemaGetter SchemaIssue SchemaParser SchemaTransformation String Struct Trie
  Tuple Types Unify absurd cast flow hole identity pipe`.split(/\s+/),
)

/** What one folder of services may name of another. */
const ports = new Set([
  "src/services/config/ConfigSource.ts",
  "src/services/ec2/Ec2.ts",
  "src/services/ec2/InstanceStatuses.ts",
  "src/services/health/HealthSource.ts",
  "src/services/health/Probe.ts",
  "src/services/state/StateStore.ts",
])

const domain = (target) => target.startsWith("src/domain/")
const sharedService = (target) => /^src\/services\/[^/]+\.ts$/.test(target)
const below = (folder) => (target) => target.startsWith(`${folder}/`)

/** The rooms, innermost first. `own` says which files of src a file there may import. */
const rooms = [
  {
    files: /^src\/domain\//,
    own: () => domain,
    pure: true,
    rule: "src/domain imports only src/domain and the pure modules of effect",
  },
  {
    files: /^src\/services\/[^/]+\.ts$/,
    own: () => (target) => domain(target) || sharedService(target),
    rule: "a file that all services share imports only src/domain and its like",
  },
  {
    files: /^src\/services\//,
    own: (file) => {
      const neighbours = below(file.split("/").slice(0, 3).join("/"))
      return (target) => domain(target) || sharedService(target) || ports.has(target) || neighbours(target)
    },
    rule: "a service imports src/domain, its own folder, and the ports of others",
  },
  {
    files: /^src\/runtime\//,
    own: () => (target) => domain(target) || below("src/services")(target) || below("src/runtime")(target),
    rule: "src/runtime imports only src/domain, src/services and src/runtime",
  },
  {
    files: /^src\/index\.ts$/,
    own: () => domain,
    rule: "the library is src/domain",
  },
  {
    files: /^src\/plugin\.ts$/,
    own: () => (target) => domain(target) || sharedService(target) || ports.has(target),
    rule: "plugin authors get src/domain and the ports",
  },
  { files: /^src\//, own: () => below("src"), rule: "src imports nothing of the tests and tools" },
]

/** Why `names`, imported from `specifier`, are not pure; undefined if they are. */
const impurity = (specifier, names) => {
  if (specifier === "effect/net") return undefined
  if (specifier !== "effect" && !specifier.startsWith("effect/")) return `"${specifier}" is neither`
  const used = specifier === "effect" ? names : [specifier.slice("effect/".length)]
  const impure = used.find((name) => !pure.has(name))
  return impure === undefined ? undefined : `${impure === "*" ? "all of effect" : impure} is not pure`
}

/** What is wrong with an import of `names` from `specifier` in `file`; undefined if nothing is. Paths are from the root. */
export const fault = (file, specifier, names) => {
  const room = rooms.find(({ files }) => files.test(file))
  if (room === undefined) return undefined
  if (specifier.startsWith(".")) {
    const target = join(dirname(file), specifier).split(sep).join("/")
    return room.own(file)(target) ? undefined : `${room.rule}, and ${target} is none of these.`
  }
  const why = room.pure ? impurity(specifier, names) : undefined
  return why === undefined ? undefined : `${room.rule}; ${why}.`
}

const importedNames = (specifiers) =>
  specifiers.map((one) => (one.type === "ImportSpecifier" ? (one.imported.name ?? one.imported.value) : "*"))

export const mayTouch = {
  meta: { type: "problem", docs: { description: "what each part of src may import" } },
  create(context) {
    const file = context.filename
      .replace(`${context.cwd ?? root}${sep}`, "")
      .split(sep)
      .join("/")
    const look = (source, names) => {
      const message = typeof source?.value === "string" ? fault(file, source.value, names) : undefined
      if (message !== undefined) context.report({ node: source, message })
    }
    return {
      ImportDeclaration: (node) => look(node.source, importedNames(node.specifiers)),
      ExportNamedDeclaration: (node) =>
        look(
          node.source,
          node.specifiers.map((one) => one.local.name ?? one.local.value),
        ),
      ExportAllDeclaration: (node) => look(node.source, ["*"]),
      ImportExpression: (node) => look(node.source, ["*"]),
      TSImportType: (node) => look(node.source, [node.qualifier?.name ?? "*"]),
    }
  },
}
