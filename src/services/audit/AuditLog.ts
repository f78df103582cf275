import { Context, Effect } from "effect"
import type { AuditRecord } from "./AuditRecord.ts"

/** Where it is written down who changed what. It fails nobody, and nobody waits for it. */
export interface AuditLog {
  readonly record: (record: AuditRecord) => Effect.Effect<void>
}

/** Without `--audit-log` nothing is recorded. */
export const AuditLog = Context.Reference<AuditLog>("vpc-router/services/audit/AuditLog", {
  defaultValue: () => ({ record: () => Effect.void }),
})
