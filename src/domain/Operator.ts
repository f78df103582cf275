/** Who asked for a change, as far as is known. It decides nothing, and is told in the audit log. */
export interface Operator {
  /** The network address that the request came from. */
  readonly peer: string
}
