import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { runMain } from "./runtime/Process.ts"
import { program } from "./runtime/Program.ts"
import { sharedModules } from "./SharedModules.ts"

runMain(Effect.provide(program(process.argv.slice(2), process.env, sharedModules), NodeServices.layer))
