// A million forged echo replies.
process.env["PROPERTY_SCALE"] ??= "20"
process.env["PROPERTY_SEED"] ??= "1"

await import("./ForgedReplies.test.ts")
