// What the integration tests need beyond npm: Debian packages, and moto, the EC2 emulator. What cannot be had here is
// said, and left to the tests that need it: they fail and say it again.
import { spawnSync } from "node:child_process"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { root, toolchain, which } from "./setup.mjs"

const moto = "moto[server]==5.2.1"

const installMoto = (env) => {
  if (which("moto_server", env) !== undefined) return
  const home = join(toolchain, "moto")
  process.stderr.write(`tests: installing ${moto} into .toolchain/moto\n`)
  const run = (command, ...args) => spawnSync(command, args, { cwd: root, env, stdio: ["ignore", 2, 2] }).status === 0
  const done =
    run("python3", "-m", "venv", home) &&
    run(join(home, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", moto)
  if (done && existsSync(join(home, "bin", "moto_server"))) return
  // Half an environment would look like a whole one at the next run.
  rmSync(home, { recursive: true, force: true })
  process.stderr.write(`tests: ${moto} could not be installed; put moto_server on PATH (pip install '${moto}')\n`)
}

export const testTools = (env) => {
  spawnSync("sh", [join(root, "scripts", "system-packages.sh")], { cwd: root, env, stdio: ["ignore", 2, 2] })
  installMoto(env)
}
