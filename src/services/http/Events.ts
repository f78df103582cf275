import { Cause, Context, Effect, Queue, type Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { Millis } from "../../domain/Health.ts"
import { now } from "../Now.ts"
import { ControlPlane } from "./ControlPlane.ts"
import { eventText, timedText } from "./EventText.ts"
import type { OverviewJson } from "./OverviewJson.ts"
import { Unavailable } from "./Problems.ts"

/** Times in milliseconds. */
export interface EventLimits {
  readonly listeners: number
  /**
   * How long a listener keeps its place although others want one. One that vanished without a word is found out by TCP
   * after a quarter of an hour only: until then what is sent to it seems to arrive.
   */
  readonly stay: Millis
  /** Between two events of one listener, at least. */
  readonly pace: Millis
  /** How often we look although nobody said that something changed: not everything that is shown says so. */
  readonly lookEvery: Millis
  /** Between two signs of life, at most. */
  readonly beat: Millis
  /** How long an event may wait for a listener that does not read before it is hung up on. */
  readonly patience: Millis
}

export const eventLimits: EventLimits = {
  listeners: 32,
  stay: 300_000,
  pace: 200,
  lookEvery: 1_000,
  beat: 4_000,
  patience: 10_000,
}

/** Making events takes at most one part in so many of the time: the probes need the rest. */
const share = 20

const encoder = new TextEncoder()
const bytes = (text: string): Uint8Array => encoder.encode(text)

/** Somebody who wants events. */
export interface EventVisitor {
  readonly mayWrite: boolean
  /** Ends the connection, whatever is still to be sent. */
  readonly hangUp: Effect.Effect<void>
}

interface Listener {
  readonly visitor: EventVisitor
  readonly enteredAt: Millis
  /** The latest event that the listener has not taken: at most one, so that a slow one costs no memory. */
  readonly waiting: Queue.Queue<Uint8Array, Cause.Done>
  /** The overview that was sent last. */
  sent: string | undefined
  saidAt: Millis
  /** Since when an event waits. */
  waitsSince: Millis | undefined
}

/** `GET /events`: what changes, as server-sent events. */
export class Events extends Context.Service<
  Events,
  {
    /** An answer that goes on for as long as the visitor listens. Nothing is done for it before its body is read. */
    readonly answer: (visitor: EventVisitor) => Effect.Effect<HttpServerResponse.HttpServerResponse, Unavailable>
    readonly listeners: Effect.Effect<number>
    /** Ends all answers; no new ones are given. */
    readonly close: Effect.Effect<void>
  }
>()("vpc-router/services/http/Events") {}

const once = (make: () => Uint8Array): (() => Uint8Array) => {
  let made: Uint8Array | undefined
  return () => (made ??= make())
}

/** What is said at one moment: in bytes, made once for all who hear it, and only if somebody does. */
interface Said {
  readonly at: Millis
  readonly overview: string
  readonly news: () => Uint8Array
  readonly sign: () => Uint8Array
}

/** Tells one listener what is new to it, if anything is. */
const tell = (listener: Listener, { at, news, overview, sign }: Said, beat: Millis): void => {
  const isNew = listener.sent !== overview
  // A sign of life must not take the place of news.
  if (!isNew && (listener.waitsSince !== undefined || at - listener.saidAt < beat)) return
  if (!Queue.offerUnsafe(listener.waiting, isNew ? news() : sign())) return
  listener.sent = overview
  listener.saidAt = at
  listener.waitsSince ??= at
}

/** Looks when something changed, as long as anybody listens, and tells all of them. */
export const make = Effect.fnUntraced(function* (
  limits: EventLimits,
): Effect.fn.Return<Events["Service"], never, ControlPlane | Scope.Scope> {
  const control = yield* ControlPlane
  const listeners = new Set<Listener>()
  // One ring that waits stands for any number.
  const bell = yield* Queue.sliding<void>(1)
  const ring = Effect.asVoid(Queue.offer(bell, undefined))
  let isOpen = true

  const tellAll = Effect.gen(function* () {
    const overview: OverviewJson = yield* control.overview
    const at = yield* now
    const text = JSON.stringify(overview)
    const said: Said = {
      at,
      overview: text,
      news: once(() => bytes(eventText("overview", timedText(at, text)))),
      sign: once(() => bytes(eventText("beat", timedText(at)))),
    }
    for (const listener of listeners) {
      if (Queue.sizeUnsafe(listener.waiting) === 0) listener.waitsSince = undefined
      const { waitsSince } = listener
      if (waitsSince !== undefined && at - waitsSince > limits.patience) {
        listeners.delete(listener)
        yield* listener.visitor.hangUp
      } else tell(listener, said, limits.beat)
    }
  })

  const look = Effect.gen(function* () {
    const began = yield* now
    yield* tellAll
    yield* Effect.sleep(Math.max(limits.pace, share * ((yield* now) - began)))
    yield* Effect.timeoutOption(Queue.take(bell), limits.lookEvery)
  }).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause)
        : Effect.andThen(Effect.logError("internal error; no event was sent", cause), Effect.sleep(limits.lookEvery)),
    ),
  )

  const serve = Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.forkScoped(Stream.runForEach(control.changes, () => ring))
      while (listeners.size > 0) yield* look
    }),
  )
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Queue.take(bell), serve)))

  /** The listener that a newcomer would take the place of; undefined: there is room, or there is none for it. */
  const longest = (at: Millis): Listener | undefined => {
    const [first] = listeners
    return first !== undefined && listeners.size >= limits.listeners && at - first.enteredAt >= limits.stay
      ? first
      : undefined
  }
  const hasRoom = (at: Millis): boolean => listeners.size < limits.listeners || longest(at) !== undefined

  const enter = (visitor: EventVisitor): Effect.Effect<Listener> =>
    Effect.gen(function* () {
      const waiting = yield* Queue.sliding<Uint8Array, Cause.Done>(1)
      const enteredAt = yield* now
      const listener: Listener = { visitor, enteredAt, waiting, sent: undefined, saidAt: 0, waitsSince: undefined }
      if (!isOpen || !hasRoom(enteredAt)) yield* Queue.end(waiting)
      else {
        const leaver = longest(enteredAt)
        if (leaver !== undefined) listeners.delete(leaver)
        listeners.add(listener)
        if (leaver !== undefined) yield* leaver.visitor.hangUp
      }
      yield* ring
      return listener
    })

  const leave = (listener: Listener): Effect.Effect<void> =>
    Effect.andThen(
      Effect.sync(() => listeners.delete(listener)),
      Queue.shutdown(listener.waiting),
    )

  const hear = (visitor: EventVisitor): Stream.Stream<Uint8Array> =>
    Stream.unwrap(Effect.map(Effect.acquireRelease(enter(visitor), leave), ({ waiting }) => Stream.fromQueue(waiting)))

  return Events.of({
    answer: Effect.fnUntraced(function* (visitor: EventVisitor) {
      if (!isOpen) return yield* new Unavailable({ detail: "this server is ending" })
      if (!hasRoom(yield* now))
        return yield* new Unavailable({ detail: `${limits.listeners} listen already; GET /status shows the same` })
      const hello = bytes(eventText("hello", JSON.stringify({ version: control.version, may_write: visitor.mayWrite })))
      return HttpServerResponse.stream(Stream.concat(Stream.succeed(hello), hear(visitor)), {
        contentType: "text/event-stream",
        // A proxy that collects an answer before it passes it on would hold it back forever.
        headers: { "x-accel-buffering": "no" },
      })
    }),
    listeners: Effect.sync(() => listeners.size),
    close: Effect.suspend(() => {
      isOpen = false
      return Effect.forEach(listeners, ({ waiting }) => Queue.end(waiting), { discard: true })
    }),
  })
})
