import type { Lane } from "./VirtualTime.ts"

/** Something that is to run at a time. `tie` orders those that are due together. */
export class Timer {
  due: number
  readonly tie: number
  readonly lane: Lane
  readonly run: () => void
  isCancelled = false

  constructor(due: number, tie: number, lane: Lane, run: () => void) {
    this.due = due
    this.tie = tie
    this.lane = lane
    this.run = run
  }

  cancel(): void {
    this.isCancelled = true
  }
}

const before = (one: Timer, other: Timer): boolean =>
  one.due < other.due || (one.due === other.due && one.tie < other.tie)

/** A binary heap of timers, by when they are due. Cancelled ones stay until they come up. */
export class TimerHeap {
  readonly #heap: Array<Timer> = []

  /** Puts one back that was taken. */
  postpone(timer: Timer, due: number): void {
    timer.due = due
    this.add(timer)
  }

  add(timer: Timer): Timer {
    const heap = this.#heap
    let at = heap.length
    heap.push(timer)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]!
      if (!before(timer, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = timer
    return timer
  }

  /** The next timer that is not cancelled. */
  get first(): Timer | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (!top.isCancelled && top.lane.isAlive) return top
      this.#removeFirst()
    }
    return undefined
  }

  /** Takes the next timer that is due by `now`. */
  take(now: number): Timer | undefined {
    const top = this.first
    if (top === undefined || top.due > now) return undefined
    this.#removeFirst()
    return top
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      if (left === undefined) break
      const isRight = right !== undefined && before(right, left)
      const child = isRight ? right : left
      if (!before(child, last)) break
      heap[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    heap[at] = last
  }
}
