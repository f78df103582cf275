import { Duration, Effect, FileSystem, Layer, Option, Result, Stream } from "effect"
import { ConfigSource, SpecNews } from "./ConfigSource.ts"
import { makeFileAnswers } from "../FileAnswers.ts"
import { FileLook, isSameLook, lookAtFile, maxFileBytes } from "../FileLook.ts"
import { makePatientLook, type PatientLookOptions } from "../PatientLook.ts"
import { makeTurns, type Turns } from "../Turns.ts"
import { decodeSpecSteps, tooLarge } from "./SpecBytes.ts"

/**
 * How often the file is looked at. What two looks in a row agree on is taken, so that a change is news after two
 * intervals at most, and a file that is being written is not. Looking needs no kernel notices: those stay away on network
 * mounts, follow no symbolic link, lose a directory that is replaced, and run out (`fs.inotify.max_user_watches`).
 */
const lookInterval = Duration.millis(200)

/** After so many looks of which no two in a row agree (5 s), it is said that the file does not stand still. */
const maxRestlessLooks = 25

/** Two of Node's four threads are left to all other files, and to name look-ups. */
const mostHanging = 2

interface Watched {
  /** What the last news told. */
  readonly told?: FileLook
  /** What the last look showed. */
  readonly seen?: FileLook
}

/** How the file is looked at. */
type LooksAtFile = Pick<PatientLookOptions<FileSystem.FileSystem>, "answers" | "look">

/**
 * The spec in a file (mode `configfile`), written in place, renamed over, or mounted as a ConfigMap whose symbolic link
 * is swapped. A file that is missing, half-written or malformed is news, too; the source keeps looking.
 */
export const layer = (
  path: string,
  { answers = makeFileAnswers(path, maxFileBytes), look = lookAtFile(path) }: Partial<LooksAtFile> = {},
): Layer.Layer<ConfigSource, never, FileSystem.FileSystem> =>
  Layer.effect(
    ConfigSource,
    Effect.map(FileSystem.FileSystem, (files) => ({
      name: "configfile",
      post: Option.none(),
      news: Stream.unwrap(
        Effect.gen(function* () {
          const patient = yield* makePatientLook({ path, look, answers, mostHanging })
          const turns = yield* makeTurns
          return Stream.unfold({}, (watched: Watched) => nextNews(path, patient.look, turns, watched))
        }),
      ).pipe(Stream.provideService(FileSystem.FileSystem, files)),
    })),
  )

const nextNews = Effect.fnUntraced(function* <R>(
  path: string,
  look: Effect.Effect<FileLook, never, R>,
  turns: Turns,
  { told, seen }: Watched,
) {
  let last = seen
  let restless = 0
  for (;;) {
    if (last !== undefined) yield* Effect.sleep(lookInterval)
    const present = yield* look
    const stands = last !== undefined && isSameLook(last, present)
    restless = stands ? 0 : restless + 1
    last = present
    const why = `${path}: it has not stood still for ${Duration.format(Duration.times(lookInterval, maxRestlessLooks))}`
    const shown = stands ? present : restless > maxRestlessLooks ? FileLook.Unreadable({ why }) : undefined
    if (shown !== undefined && (told === undefined || !isSameLook(told, shown))) {
      return [yield* toNews(turns, shown), { told: shown, seen: present }] as const
    }
  }
})

const toNews = (turns: Turns, look: FileLook): Effect.Effect<SpecNews> => {
  switch (look._tag) {
    case "Content":
      return Effect.map(
        turns.through(decodeSpecSteps(look.bytes)),
        Result.match({
          onSuccess: (decoded) => SpecNews.Accepted({ ...decoded, onApplied: Effect.void }),
          onFailure: (problems) => SpecNews.Rejected({ problems }),
        }),
      )
    case "TooLarge":
      return Effect.succeed(SpecNews.Rejected({ problems: [tooLarge] }))
    case "Unreadable":
      return Effect.succeed(SpecNews.Unreadable({ why: look.why }))
  }
}
