// The decoders once more, with eight times the cases, and other ones.
process.env["PROPERTY_SCALE"] ??= "8"
process.env["PROPERTY_SEED"] ??= "1"

await import("./Decoders.test.ts")
