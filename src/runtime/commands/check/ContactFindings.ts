import type { Contact, ReadTrial } from "../../../services/ec2/Preflight.ts"
import { spanWords } from "../Ages.ts"
import { ec2Words } from "../Picture.ts"
import { deniedWords } from "./Denied.ts"
import { fail, type Finding, ok, skip, warn } from "./Finding.ts"

const about = "reading EC2"

const readFinding = ({ error, operation }: ReadTrial): Finding => {
  if (error === undefined) return ok(about, `ec2:${operation} is allowed`)
  return fail(about, error.code === "UnauthorizedOperation" ? deniedWords(error) : ec2Words(error))
}

/** What went wrong with all of them alike is one thing: no credentials, no connection. */
const readFindings = (reads: Contact["reads"]): ReadonlyArray<Finding> => {
  const errors = reads.flatMap(({ error }) => error ?? [])
  if (errors.length === 0) return [ok(about, `allowed: ${reads.map(({ operation }) => operation).join(", ")}`)]
  const [first, ...others] = [...new Set(errors.map(({ code, message }) => `${code}: ${message}`))]
  return others.length === 0 && first !== undefined && errors.length === reads.length
    ? [fail(about, first)]
    : reads.map(readFinding)
}

/** EC2 takes a signature for five minutes around its time stamp ("Query requests", EC2 developer guide). */
const signatureLife = 5 * 60_000
/** Beyond this, what the log says cannot be laid beside what CloudTrail says. */
const tolerable = 60_000

const clockFinding = (skew: number | undefined): Finding => {
  if (skew === undefined) return skip("clock", "no answer of EC2 says what time it is")
  const off = Math.abs(skew)
  const words = `this machine's clock is ${spanWords(off)} ${skew > 0 ? "behind" : "ahead of"} EC2's`
  if (off < 2_000) return ok("clock", "this machine's clock agrees with EC2's")
  if (off < tolerable) return ok("clock", words)
  return off < signatureLife
    ? warn("clock", words)
    : fail("clock", `${words}, which refuses requests signed so far off`)
}

/** What the first calls of EC2 showed. */
export const contactFindings = ({ reads, skew }: Contact): ReadonlyArray<Finding> =>
  reads.length === 0 ? [] : [...readFindings(reads), clockFinding(skew)]
