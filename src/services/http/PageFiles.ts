import { readdirSync, readFileSync } from "node:fs"

const folder = new URL("./page/", import.meta.url)

/**
 * The files of the page, by name. In the bundle, where there is no folder to read, `scripts/build.mjs` puts a module with
 * their texts in the place of this one.
 */
export const readPageFiles = (): ReadonlyMap<string, string> =>
  new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), "utf8")]))
