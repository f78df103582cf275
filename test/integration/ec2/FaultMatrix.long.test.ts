import { describe } from "@effect/vitest"
import { sideBySide } from "../../support/SideBySide.ts"
import { answerRows, transportRows } from "./FaultTables.ts"
import { playAnswer, playTransport } from "./FaultMatrixWrites.ts"

describe("every answer of EC2 to a write, as docs/ec2-faults.md has it", () => {
  sideBySide(answerRows, 14, playAnswer)
})

describe("every way in which a write stays without a proper answer", () => {
  sideBySide(transportRows, 10, playTransport)
})
