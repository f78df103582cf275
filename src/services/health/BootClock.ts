import { uptime } from "node:os"
import { Context } from "effect"
import type { Millis } from "../../domain/Health.ts"

/**
 * Milliseconds since the machine started, suspended time included (Linux: CLOCK_BOOTTIME, which /proc/uptime shows). It tells a machine that was
 * suspended from a wall clock that was set.
 */
export const BootClock = Context.Reference<() => Millis>("vpc-router/services/health/BootClock", {
  defaultValue: () => () => uptime() * 1000,
})
