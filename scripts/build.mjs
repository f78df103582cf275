// npm run build. Writes dist:
//   main.js       what `vpc-router` runs: looks at the Node version, then loads
//   daemon.js     the whole program, and in
//   chunks/       what it loads when it is needed: the credential providers of AWS, Effect for plugins; only raw-socket,
//                 which is native and optional, stays outside
//   SnapshotWorker.js  the program of the thread that reads large VPCs
//   lib/          ES modules and types of the library (src/index.ts, src/plugin.ts), with effect left outside
import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { build } from "esbuild"
import { root } from "./setup.mjs"

const dist = join(root, "dist")
const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const [major, minor] = engines.node.replace(">=", "").split(".").map(Number)

// Old Nodes parse a whole file and link its imports before they run a line of it: so this file has neither.
const launcher = `#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number)
if (major < ${major} || (major === ${major} && minor < ${minor})) {
  console.error("vpc-router needs Node.js ${major}.${minor} or newer; this is " + process.version + ".")
  process.exitCode = 1
} else {
  // What ends no daemon ends none that is still being loaded. A command has a word in front, and ends with its terminal.
  if (!/^[a-z]/.test(process.argv[2] || "")) for (const signal of ["SIGHUP", "SIGUSR2"]) process.on(signal, () => {})
  // Young objects are collected a megabyte at a time: shorter pauses, and about 15 MB less at rest, over 100 MB less with a large VPC.
  const { setFlagsFromString } = await import("node:v8")
  setFlagsFromString("--semi-space-growth-factor=1")
  await import("./daemon.js")
  // Old ones, when they have grown by half since the time before, of which this is the first: else V8 lets them grow to some 100 MB before it looks.
  setFlagsFromString("--heap-growing-percent=50")
  setFlagsFromString("--expose-gc")
  const { runInNewContext } = await import("node:vm")
  runInNewContext("gc")()
}
`

/** Bundled CommonJS packages ask for Node's own modules by require. */
const requireForBundled = `import { createRequire as createRequireForBundled } from "node:module"
const require = createRequireForBundled(import.meta.url)
`

/** The page's files go into the bundle in place of the module that reads them from their folder. */
const pageFiles = {
  name: "page-files",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]PageFiles\.ts$/ }, ({ path }) => {
      const folder = join(dirname(path), "page")
      const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")])
      return { contents: `export const readPageFiles = () => new Map(${JSON.stringify(files)})`, loader: "js" }
    }),
}

const bundle = async () => {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { daemon: "src/main.ts", SnapshotWorker: "src/services/ec2/SnapshotWorker.ts" },
    outdir: dist,
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[hash]",
    platform: "node",
    format: "esm",
    target: `node${major}`,
    mainFields: ["module", "main"],
    external: ["raw-socket"],
    plugins: [pageFiles],
    banner: { js: requireForBundled },
    // Names stay readable in stack traces; the rest is parsed faster and takes some 20 MB less memory.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "eof",
    logLevel: "warning",
  })
  return outputFiles
}

/** A test or a server that starts meanwhile finds the old file or the new one, never half of one. */
const writeWhole = (file, contents) => {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, contents)
  renameSync(draft, file)
}

const library = () => {
  const draft = join(dist, `lib.${process.pid}`)
  const tsc = spawnSync("tsc", ["-p", "tsconfig.build.json", "--outDir", draft], { cwd: root, stdio: "inherit" })
  if (tsc.status !== 0) {
    rmSync(draft, { recursive: true, force: true })
    return false
  }
  rmSync(join(dist, "lib"), { recursive: true, force: true })
  renameSync(draft, join(dist, "lib"))
  return true
}

/** The chunks of an older build that no process can need any more; one may have started just before this build. */
const isStale = (file) => Date.now() - statSync(file).mtimeMs > 60 * 60_000

/** The chunks first, since `daemon.js` names them. Their own names say what is in them. */
const writeProgram = (files) => {
  const chunks = join(dist, "chunks")
  mkdirSync(chunks, { recursive: true })
  const daemon = join(dist, "daemon.js")
  for (const { contents, path } of files) if (path !== daemon) writeWhole(path, contents)
  for (const { contents, path } of files) if (path === daemon) writeWhole(path, contents)
  for (const file of readdirSync(chunks).map((name) => join(chunks, name))) if (isStale(file)) rmSync(file)
}

mkdirSync(dist, { recursive: true })
// esbuild and tsc have said what is wrong when they fail; what was built before stays.
const program = await bundle().catch(() => undefined)
if (program !== undefined) {
  writeProgram(program)
  writeWhole(join(dist, "main.js"), launcher)
  chmodSync(join(dist, "main.js"), 0o755)
}
if (!library() || program === undefined) process.exit(1)

/** The files of this build's chunks. */
export const chunks = new Set(program.map(({ path }) => path).filter((path) => dirname(path) === join(dist, "chunks")))
