import { describe } from "@effect/vitest"
import { sideBySide } from "../../support/SideBySide.ts"
import { answerRows, readingRows, situations, transportRows } from "./FaultTables.ts"
import { playReading } from "./FaultMatrixReadings.ts"
import { playSituation } from "./FaultMatrixSituations.ts"
import { playAnswer, playTransport } from "./FaultMatrixWrites.ts"

describe("every answer of EC2 to a write, as docs/ec2-faults.md has it", () => {
  sideBySide(answerRows, 14, playAnswer)
})

describe("every way in which a write stays without a proper answer", () => {
  sideBySide(transportRows, 12, playTransport)
})

describe("every way in which a reading fails, in each of its calls", () => {
  sideBySide(readingRows, 13, playReading)
})

describe("every situation that a reading does not show, and every blackhole", () => {
  const rows = situations.map((name) => ({ name }))
  sideBySide(rows, rows.length, playSituation)
})
