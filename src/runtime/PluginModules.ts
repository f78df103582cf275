import { registerHooks } from "node:module"
import { pathToFileURL } from "node:url"
import { Effect, Predicate } from "effect"

/** Modules of the running daemon by the names under which plugins import them: `effect`, `effect/http`, `vpc-router/plugin` … */
export type SharedModules = Readonly<Record<string, () => Promise<object>>>

/** Where the modules that are generated here find what they export. */
const registry = Symbol.for("vpc-router/shared-modules")
const scheme = "vpc-router-shared:"

/** `effect/Stream` is the module that `effect` exports as `Stream`. */
const modulesOf = (name: string, exports: object): ReadonlyArray<readonly [name: string, exports: object]> => [
  [name, exports],
  ...Object.entries(exports).flatMap(([part, inner]: [string, unknown]) =>
    /^[A-Z]/.test(part) && Predicate.isObject(inner) ? [[`${name}/${part}`, inner] as const] : [],
  ),
]

/** A module that exports what is in the registry under this name. */
const sourceOf = (name: string, exports: object): string => {
  const names = Object.keys(exports)
  const quoted = names.map((name) => JSON.stringify(name))
  return [
    `const all = globalThis[Symbol.for(${JSON.stringify(registry.description)})].get(${JSON.stringify(name)})`,
    ...quoted.map((name, index) => `const e${index} = all[${name}]`),
    `export { ${quoted.map((name, index) => `e${index} as ${name}`).join(", ")} }`,
  ].join("\n")
}

/** Imports modules as plugins. */
export interface PluginImporter {
  /** The module by its URL, or by its package's name as seen from the working directory, and else from vpc-router itself. */
  readonly load: (specifier: string) => Promise<unknown>
  /** The URL of a module that was loaded. */
  readonly urlOf: (specifier: string) => string | undefined
}

/**
 * From here on every module that is loaded into this process gets the shared modules in place of its own: there is one
 * Effect, whether a plugin brought a copy, another version or none. The rest of a package that is shared cannot be imported.
 */
export const shareModules = Effect.fnUntraced(function* (
  shared: SharedModules,
  workingDirectory: string,
): Effect.fn.Return<PluginImporter> {
  const loaded = yield* Effect.forEach(Object.entries(shared), ([name, load]) =>
    Effect.map(Effect.promise(load), (exports) => [name, exports] as const),
  )
  const modules = new Map(loaded.flatMap(([name, exports]) => modulesOf(name, exports)))
  Object.defineProperty(globalThis, registry, { value: modules, configurable: true })
  const packages = new Set(Object.keys(shared).map((name) => name.replace(/\/.*/, "")))
  const wanted = new Set<string>()
  const urls = new Map<string, string>()
  const here = import.meta.url
  const from = pathToFileURL(`${workingDirectory}/`).href

  registerHooks({
    resolve: (specifier, context, next) => {
      const isShared = packages.has(specifier.replace(/\/.*/, ""))
      if (isShared && modules.has(specifier))
        return { url: `${scheme}${specifier}`, format: "module", shortCircuit: true }
      if (isShared)
        throw new Error(
          `"${specifier}" is none of the modules that vpc-router shares with its plugins: ${Object.keys(shared).join(", ")}`,
        )
      if (context.parentURL !== here || !wanted.has(specifier)) return next(specifier, context)
      const seenFrom = (parentURL: string) => next(specifier, { ...context, parentURL })
      const resolved = (() => {
        try {
          return seenFrom(from)
        } catch (fault) {
          try {
            return seenFrom(here)
          } catch {
            throw fault
          }
        }
      })()
      urls.set(specifier, resolved.url)
      return resolved
    },
    load: (url, context, next) => {
      if (!url.startsWith(scheme)) return next(url, context)
      const name = url.slice(scheme.length)
      return { format: "module", source: sourceOf(name, modules.get(name) ?? {}), shortCircuit: true }
    },
  })

  return {
    load: (specifier) => {
      wanted.add(specifier)
      return import(specifier)
    },
    urlOf: (specifier) => urls.get(specifier),
  }
})
