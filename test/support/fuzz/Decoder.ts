import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { Effect, FileSystem, Result, type Scope } from "effect"
import type fc from "fast-check"
import { Dice } from "../../simulation/days/Dice.ts"
import { Disk } from "../../simulation/days/Disk.ts"
import type { StandIn } from "./StandIn.ts"
import { temporaryFolder } from "../TemporaryFolder.ts"

/** What came of reading: a value, or a fault that was foreseen. */
export type Outcome = { readonly value: unknown } | { readonly fault: unknown }

/** Reads bytes from outside. */
export type Decode = (bytes: Uint8Array) => Effect.Effect<Outcome>

/** Something in `src` that reads what others wrote. */
export interface Decoder {
  readonly name: string
  /** The files whose reading is tried by it. */
  readonly files: ReadonlyArray<string>
  /** What is read without a fault. */
  readonly valid: fc.Arbitrary<Uint8Array>
  /** It takes some milliseconds each. */
  readonly costly?: true
  readonly open: (standIn: StandIn) => Effect.Effect<Decode, never, Scope.Scope>
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What a program makes of bytes that it takes for a text. */
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8")

/** Values and errors are outcomes; what remains are defects. */
export const told = <A, E, R>(reading: Effect.Effect<A, E, R>): Effect.Effect<Outcome, never, R> =>
  Effect.match(reading, {
    onSuccess: (value): Outcome => ({ value }),
    onFailure: (fault): Outcome => ({ fault }),
  })

/** A decoder that is a function. */
export const pure =
  <A, E>(decode: (bytes: Uint8Array) => Result.Result<A, E>): Decoder["open"] =>
  () =>
    Effect.succeed((bytes) => told(Effect.suspend(() => Effect.fromResult(decode(bytes)))))

/** A function that gives undefined for what it does not take. */
export const orNothing = <A>(decode: (bytes: Uint8Array) => A | undefined): Decoder["open"] =>
  pure((bytes) => {
    const value = decode(bytes)
    return value === undefined ? Result.fail("nothing") : Result.succeed(value)
  })

/** A decoder that reads a file, in a folder of its own. */
export const inFile =
  <A, E>(read: (file: string) => Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>): Decoder["open"] =>
  () =>
    Effect.map(
      temporaryFolder,
      (folder) => (bytes: Uint8Array) =>
        Effect.suspend(() => {
          const file = join(folder, "file")
          writeFileSync(file, bytes)
          return read(file).pipe(told, Effect.scoped, Effect.provide(NodeFileSystem.layer))
        }),
    )

/** A decoder that reads a file of a disk that is simulated. */
export const onDisk =
  <A, E>(
    read: (file: string, disk: Disk) => Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>,
  ): Decoder["open"] =>
  () =>
    Effect.succeed((bytes) =>
      Effect.suspend(() => {
        const disk = new Disk(new Dice("fuzz"))
        disk.put("/file", bytes)
        return read("/file", disk).pipe(told, Effect.scoped, Effect.provideService(FileSystem.FileSystem, disk.files))
      }),
    )
