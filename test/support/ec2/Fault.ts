/** What happens to a call instead of plain forwarding. */
export type Fault =
  /** EC2's own error answer; nothing is forwarded. */
  | { readonly _tag: "Error"; readonly status: number; readonly code: string; readonly message?: string }
  /** Any answer at all; nothing is forwarded. */
  | { readonly _tag: "Answer"; readonly status: number; readonly contentType: string; readonly body: string }
  /** Forwarded as it is, later. */
  | { readonly _tag: "Delay"; readonly millis: number }
  /** Forwarded and done; the answer never comes. */
  | { readonly _tag: "CommitThenTimeout" }
  /** Forwarded and done; the connection is cut in place of an answer. */
  | { readonly _tag: "CommitThenCut" }
  /** Forwarded and done; the connection is cut halfway through the answer. */
  | { readonly _tag: "CutHalfway" }
  /** Answered as the same request was answered before, which is not forwarded; the first time it is. */
  | { readonly _tag: "Stale" }
  /** Not forwarded; an answer that goes on for as long as somebody reads it. */
  | { readonly _tag: "Endless"; readonly status: number }
  /** Not forwarded; an answer with a byte every 0.2 s, without an end. */
  | { readonly _tag: "Drip" }
  /** Not forwarded, never answered. */
  | { readonly _tag: "Hang" }
  /** The connection is cut before an answer. */
  | { readonly _tag: "Cut" }
  /** Forwarded; the answer's text is changed. */
  | { readonly _tag: "Rewrite"; readonly change: (body: string) => string }

export interface FaultProxyRule {
  /** EC2's `Action`, the operation that a JSON protocol names in a header (`DescribeAlarms`), or `any`. */
  readonly action: string
  /** Only requests whose form holds this text, or each of these, in some value, such as a route table's id. */
  readonly containing?: string | ReadonlyArray<string>
  /** How many requests it applies to; all, if not given. */
  readonly times?: number
  readonly fault: Fault
}
