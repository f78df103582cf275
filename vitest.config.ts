import { defineConfig } from "vitest/config"

const minutes = 60_000

/** Integration tests that need the machine to themselves: they watch real time, or a person's pace. */
const alone = [
  "test/integration/health/**/*.test.ts",
  "test/integration/deploy/**/*.test.ts",
  "test/integration/page/Access.test.ts",
]

/** Of the long tests, those that measure time, or that take a whole machine. */
const longAlone = [
  "test/integration/{ec2,health}/**/*.long.test.ts",
  "test/integration/daemon/Kill.long.test.ts",
  "test/integration/deploy/SystemdUnit.long.test.ts",
  "test/integration/http/{Flood,SlowClients}.long.test.ts",
]

export default defineConfig({
  test: {
    // raw-socket ends the process when it is loaded in a worker thread.
    pool: "forks",
    retry: 0,
    passWithNoTests: false,
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: "property",
          include: ["test/property/**/*.test.ts"],
          exclude: ["**/*.long.test.ts"],
          testTimeout: 1 * minutes,
        },
      },
      {
        extends: true,
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          exclude: ["**/*.long.test.ts"],
          testTimeout: 1 * minutes,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          exclude: ["**/*.long.test.ts", ...alone],
          testTimeout: 1 * minutes,
          hookTimeout: 1 * minutes,
          // These mostly wait, each in a network namespace or on ports of its own; so a few at once, after all others.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: alone,
          exclude: ["**/*.long.test.ts"],
          testTimeout: 2 * minutes,
          hookTimeout: 1 * minutes,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: ["test/**/*.long.test.ts"],
          exclude: longAlone,
          testTimeout: 20 * minutes,
          hookTimeout: 1 * minutes,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: "long-alone",
          include: longAlone,
          testTimeout: 20 * minutes,
          hookTimeout: 1 * minutes,
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
})
