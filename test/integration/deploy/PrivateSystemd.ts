import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Schedule, type Scope } from "effect"
import { run, ToolFailed } from "../../support/netns/Tools.ts"
import { childrenOf, scopedChild } from "../../support/process/Children.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const systemd = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].find(existsSync)

/** A real systemd that runs one unit, in namespaces of its own: it sees no process, network or file system but a copy. */
export interface PrivateSystemd {
  /** Runs a command inside, as root. */
  readonly inside: (command: string, ...args: ReadonlyArray<string>) => Effect.Effect<string, ToolFailed>
  /** The properties of the unit, as `systemctl show` gives them. */
  readonly show: (...properties: ReadonlyArray<string>) => Effect.Effect<Readonly<Record<string, string>>, ToolFailed>
  /** What the unit logged so far. */
  readonly log: Effect.Effect<string, ToolFailed>
}

export interface PrivateSystemdOptions {
  /** The file of the unit. */
  readonly unit: string
  /** What is added to its `[Service]`, for the test. */
  readonly dropIn: ReadonlyArray<string>
  /** Files by their paths. */
  readonly files: Readonly<Record<string, string>>
}

// systemd must lead a cgroup, which it is given here and sees as the root of all.
const enter = `
set -e
mount --make-rprivate /
mount -t cgroup2 none "$FOLDER/cgroup"
mkdir "$FOLDER/cgroup/$NAME"
echo $$ > "$FOLDER/cgroup/$NAME/cgroup.procs"
umount "$FOLDER/cgroup"
exec unshare --mount --pid --fork --kill-child --cgroup --net --ipc --uts sh -c "$BOOT"
`

const boot = `
set -e
mount -t tmpfs none "$FOLDER/root"
cd "$FOLDER/root"
mkdir upper work new
mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" new
cd new
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount --rbind /dev dev
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup

app=opt/vpc-router/lib/node_modules/vpc-router
mkdir -p "$app/dist" "$app/node_modules/raw-socket" opt/vpc-router/bin run/units
mount --bind "$ROOT/dist" "$app/dist"
mount --bind "$ROOT/node_modules/raw-socket" "$app/node_modules/raw-socket"
cp "$ROOT/package.json" "$app/"
ln -s ../lib/node_modules/vpc-router/dist/main.js opt/vpc-router/bin/vpc-router
rm -f usr/local/bin/node
: > usr/local/bin/node
mount --bind "$NODE" usr/local/bin/node

for target in sysinit basic shutdown umount final network-online; do
  printf '[Unit]\\nDefaultDependencies=no\\n' > "run/units/$target.target"
done
cp -r "$FOLDER/files/." .
mount -t tmpfs -o mode=1777 tmpfs tmp
ip link set lo up
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=vpc-router SYSTEMD_UNIT_PATH=/run/units SYSTEMD_LOG_TARGET=console \\
  chroot . "$SYSTEMD" --system --unit=test.target --show-status=no
`

// Folders that systemd made go with it; a cgroup is empty a moment after its last process has ended.
const leave = `
mount --make-rprivate /
mount -t cgroup2 none "$FOLDER/cgroup"
for try in 1 2 3 4 5 6 7 8 9 10; do
  find "$FOLDER/cgroup/$NAME" -depth -type d -exec rmdir {} + 2>/dev/null
  [ -d "$FOLDER/cgroup/$NAME" ] || break
  sleep 0.1
done
`

const filesOf = ({ dropIn, files, unit }: PrivateSystemdOptions): Readonly<Record<string, string>> => ({
  "run/units/test.target": "[Unit]\nDefaultDependencies=no\nWants=vpc-router.service\n",
  "run/units/vpc-router.service": readFileSync(unit, "utf8"),
  "run/units/vpc-router.service.d/test.conf": ["[Service]", ...dropIn, ""].join("\n"),
  ...files,
})

/** Boots it, with the unit and vpc-router as it was built. It ends, and all within it, with the scope. */
export const privateSystemd = Effect.fnUntraced(function* (
  options: PrivateSystemdOptions,
): Effect.fn.Return<PrivateSystemd, ToolFailed, Scope.Scope> {
  if (systemd === undefined)
    return yield* new ToolFailed({ message: "This test needs systemd, which need not run: apt-get install systemd" })
  const folder = yield* temporaryFolder
  for (const name of ["root", "cgroup"]) mkdirSync(join(folder, name))
  for (const [path, text] of Object.entries(filesOf(options))) {
    mkdirSync(join(folder, "files", path, ".."), { recursive: true })
    writeFileSync(join(folder, "files", path), text)
  }
  const env = {
    PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`,
    BOOT: boot,
    FOLDER: folder,
    NAME: `vpc-router-test-${process.pid}`,
    NODE: process.execPath,
    ROOT: root,
    SYSTEMD: systemd,
  }
  let output = ""
  // After its end.
  yield* Effect.addFinalizer(() =>
    Effect.callback<void>((resume) => {
      const cleaner = spawn("unshare", ["--mount", "sh", "-c", leave], { env, stdio: "ignore" })
      cleaner.on("error", () => resume(Effect.void))
      cleaner.on("close", () => resume(Effect.void))
    }),
  )
  const outer = yield* scopedChild(() => {
    const child = spawn("unshare", ["--mount", "sh", "-c", enter], { env, stdio: ["ignore", "pipe", "pipe"] })
    const keep = (chunk: Buffer): void => void (output += chunk.toString())
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    child.on("error", ({ message }) => void (output += `unshare (apt-get install util-linux): ${message}`))
    return child
  })

  const inside = (command: string, ...args: ReadonlyArray<string>) =>
    Effect.suspend(() => {
      const [pid] = childrenOf(outer.pid ?? 0)
      return pid === undefined
        ? Effect.fail(new ToolFailed({ message: `systemd does not run (it needs root and cgroup2): ${output}` }))
        : run("nsenter", [
            `--target=${pid}`,
            "--mount",
            "--pid",
            "--net",
            "--cgroup",
            "--root",
            "--wd",
            command,
            ...args,
          ])
    })
  const show = (...properties: ReadonlyArray<string>) =>
    Effect.map(
      inside("systemctl", "show", "vpc-router.service", `--property=${properties.join(",")}`),
      (text): Readonly<Record<string, string>> =>
        Object.fromEntries(
          text
            .trimEnd()
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
        ),
    )
  const log = inside("cat", "/run/vpc-router.log")

  const isUp = Effect.gen(function* () {
    // Not the systemd of this machine.
    yield* inside("test", "-e", "/run/units/test.target")
    const { ActiveState } = yield* show("ActiveState")
    if (ActiveState !== "active") return yield* new ToolFailed({ message: `the unit is ${ActiveState}` })
  })
  yield* isUp.pipe(
    Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 150 }),
    Effect.catch(({ message }) =>
      Effect.flatMap(
        Effect.orElseSucceed(log, () => ""),
        (said) => Effect.fail(new ToolFailed({ message: `${message}\n${output}\n${said}` })),
      ),
    ),
  )
  return { inside, show, log }
})
