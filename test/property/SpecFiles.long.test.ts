// The spec files once more: 10,000 mutants, other ones.
process.env["PROPERTY_SCALE"] ??= "20"
process.env["PROPERTY_SEED"] ??= "1"

await import("./SpecFiles.test.ts")
