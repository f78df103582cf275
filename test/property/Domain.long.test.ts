// The properties of the domain once more: eight times as many cases, and other ones. `PROPERTY_SEED=random` draws new ones.
process.env["PROPERTY_SCALE"] ??= "8"
process.env["PROPERTY_SEED"] ??= "1"

await import("./DeletionBrake.test.ts")
await import("./Determinism.test.ts")
await import("./Increments.test.ts")
await import("./Memory.test.ts")
await import("./Obstacle.test.ts")
await import("./Operation.test.ts")
await import("./Placement.test.ts")
await import("./Promises.test.ts")
await import("./RefusedAsDone.test.ts")
await import("./Rendezvous.test.ts")
await import("./Restart.test.ts")
await import("./StaleReadings.test.ts")
await import("./WriteLog.test.ts")
