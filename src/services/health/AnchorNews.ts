import { Context, type Stream } from "effect"
import type { AnchorVerdict } from "../../domain/Anchors.ts"

/** What the sources that probe say of the anchors. Without anchors it is not there. */
export class AnchorNews extends Context.Service<
  AnchorNews,
  {
    /** Changed verdicts, in batches as they are reached. One subscriber; never fails. */
    readonly verdicts: Stream.Stream<ReadonlyArray<AnchorVerdict>>
  }
>()("vpc-router/services/health/AnchorNews") {}
