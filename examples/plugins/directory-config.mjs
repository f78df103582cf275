// One route spec from all the JSON files of a directory; one file per team, say:
//   vpc-router --mode ./directory-config.mjs --spec-directory /etc/vpc-router/specs …
import { Effect, FileSystem, Layer, Option, Path, Schedule, Stream } from "effect"
import { configPlugin, ConfigSource, SpecNews, specNews } from "vpc-router/plugin"

/** @import { Cidr, Ip, SpecProblem } from "vpc-router/plugin" */

/**
 * The specs of all files as one. Two files must not name the same destination.
 *
 * @param {ReadonlyArray<readonly [file: string, text: string]>} files
 */
const merged = (files) => {
  /** @type {Map<Cidr, ReadonlyArray<Ip>>} */
  const spec = new Map()
  /** @type {Array<SpecProblem>} */
  const problems = []
  /** @type {Array<SpecProblem>} */
  const warnings = []
  for (const [file, text] of files) {
    const news = specNews(text)
    /** @param {SpecProblem} problem */
    const inFile = ({ message, path }) => ({ path: `${file} ${path}`, message })
    if (news._tag === "Rejected") problems.push(...news.problems.map(inFile))
    if (news._tag !== "Accepted") continue
    warnings.push(...news.warnings.map(inFile))
    for (const [destination, hosts] of news.spec) {
      if (spec.has(destination)) problems.push({ path: file, message: `${destination} is in another file, too` })
      spec.set(destination, hosts)
    }
  }
  return problems.length > 0
    ? SpecNews.Rejected({ problems })
    : SpecNews.Accepted({ spec, warnings, onApplied: Effect.void })
}

export default configPlugin({
  provides: "config",
  name: "directory",
  description: "One route spec from all the JSON files of a directory.",
  options: {
    "spec-directory": {
      kind: "text",
      metavar: "DIR",
      required: true,
      description: "Holds route specs, one in each *.json file.",
    },
    "spec-interval": { kind: "seconds", default: "1", description: "How often the files are read." },
  },
  layer: ({ "spec-directory": directory, "spec-interval": interval }) =>
    Layer.effect(
      ConfigSource,
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const read = Effect.gen(function* () {
          const names = (yield* files.readDirectory(directory)).filter((name) => name.endsWith(".json")).sort()
          // An empty spec would withdraw every route.
          if (names.length === 0) return SpecNews.Unreadable({ why: `${directory} has no *.json file` })
          const texts = yield* Effect.forEach(names, (name) => files.readFileString(path.join(directory, name)))
          return merged(names.map((name, index) => [name, texts[index] ?? ""]))
        }).pipe(Effect.catch(({ message }) => Effect.succeed(SpecNews.Unreadable({ why: message }))))
        return ConfigSource.of({
          name: "directory",
          post: Option.none(),
          news: Stream.fromEffectSchedule(read, Schedule.spaced(interval)),
        })
      }),
    ),
})
