import { type StrayFaults, thrownInWords } from "../services/PluginSession.ts"

/** Where a module lies, for telling whose frames are in a stack. */
export interface Blamed {
  /** The URL of its module. */
  readonly url: string
}

/** Everything below this belongs to the module: its package, or its own folder. */
const folderOf = (url: string): string => {
  const inPackage = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(url)?.[0]
  return inPackage ?? url.slice(0, url.lastIndexOf("/") + 1)
}

/** The files in a stack, as URLs, innermost first. */
const filesIn = (stack: string): ReadonlyArray<string> =>
  [...stack.matchAll(/\bfile:\/\/[^\s)]+?(?=:\d+(?::\d+)?\)?$)/gm)].map(([url]) => url)

/**
 * Which plugins an exception that nobody caught came from: those whose files are in its stack. Without any, and without a
 * file of vpc-router, whose code below `own` throws nothing but errors and listens to all its sockets, it may be any of them.
 * None: it is vpc-router's own.
 */
export const blame = <P extends Blamed>(thrown: unknown, plugins: ReadonlyArray<P>, own: string): ReadonlyArray<P> => {
  const stack = thrown instanceof Error && typeof thrown.stack === "string" ? thrown.stack : ""
  const files = filesIn(stack)
  const foreign = files.filter((file) => !file.startsWith(own))
  const named = plugins.filter(({ url }) => foreign.some((file) => file.startsWith(folderOf(url))))
  if (named.length > 0) return named
  return foreign.length === files.length ? plugins : []
}

/** Below this lies what is ours: `dist` in the package, `src` in the sources. */
const own = new URL("..", import.meta.url).href

/** Tells the plugins that an exception came from; false if it is none of theirs. */
export const handOver = (
  thrown: unknown,
  plugins: ReadonlyArray<Blamed & { readonly strays: StrayFaults }>,
): boolean => {
  const guilty = blame(thrown, plugins, own)
  for (const { strays } of guilty) strays.report(`nobody caught what it threw: ${thrownInWords(thrown)}`)
  return guilty.length > 0
}
