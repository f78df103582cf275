import type { SharedModules } from "./runtime/PluginModules.ts"

/**
 * What plugins import from the running daemon. Nothing of it is loaded without a plugin; the bundler keeps in the package
 * what is named here.
 */
export const sharedModules: SharedModules = {
  effect: () => import("effect"),
  "effect/crypto": () => import("effect/crypto"),
  "effect/encoding": () => import("effect/encoding"),
  "effect/http": () => import("effect/http"),
  "effect/net": () => import("effect/net"),
  "effect/observability": () => import("effect/observability"),
  "effect/persistence": () => import("effect/persistence"),
  "effect/process": () => import("effect/process"),
  "effect/schema": () => import("effect/schema"),
  "effect/socket": () => import("effect/socket"),
  "effect/workers": () => import("effect/workers"),
  "vpc-router": () => import("./index.ts"),
  "vpc-router/plugin": () => import("./plugin.ts"),
}
