import { Effect, Layer, Option, Result, Stream } from "effect"
import { decodeFixedSpec } from "../../domain/DecodeFixedSpec.ts"
import { ConfigSource, SpecNews, SpecRejected } from "./ConfigSource.ts"

/** `--fixed-cidr`, and `--fixed-hosts` separated by colons or commas. */
export interface FixedConfigOptions {
  readonly cidr: string
  readonly hosts: string
}

/** The spec on the command line (mode `fixedconf`): one piece of news, for good. A faulty one is an error at the start. */
export const layer = ({ cidr, hosts }: FixedConfigOptions): Layer.Layer<ConfigSource, SpecRejected> =>
  Layer.effect(
    ConfigSource,
    Effect.suspend(() =>
      Result.match(decodeFixedSpec(cidr, hosts), {
        onFailure: (problems) => Effect.fail(new SpecRejected({ problems })),
        onSuccess: (decoded) =>
          Effect.succeed({
            name: "fixedconf",
            post: Option.none(),
            news: Stream.concat(Stream.make(SpecNews.Accepted({ ...decoded, onApplied: Effect.void })), Stream.never),
          }),
      }),
    ),
  )
