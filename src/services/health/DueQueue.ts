import type { Millis } from "../../domain/Health.ts"

/** What waits in a {@link DueQueue}. `due` may move later while it waits, and must not move earlier. */
export interface Due {
  readonly due: Millis
}

interface Slot<A> {
  readonly at: Millis
  readonly order: number
  readonly item: A
}

/**
 * A binary heap of items by due time; equal times come in the order they were added. Mutable, for one owner. An item whose
 * due time moved later is put back when it comes up, so moving costs nothing.
 */
export class DueQueue<A extends Due> {
  #heap: Array<Slot<A>> = []
  #added = 0

  /** Forgets all items. */
  clear(): void {
    this.#heap = []
  }

  add(item: A): void {
    const heap = this.#heap
    const slot = { at: item.due, order: this.#added++, item }
    let index = heap.length
    heap.push(slot)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !before(slot, parent)) break
      heap[index] = parent
      index = above
    }
    heap[index] = slot
  }

  /** When the next item is due; `Infinity` when there is none. */
  get earliest(): Millis {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.item.due <= top.at) return top.at
      this.#removeFirst()
      this.add(top.item)
    }
    return Infinity
  }

  /** Takes the next item that is due at `now`, if any. */
  take(now: Millis): A | undefined {
    for (let top = this.#heap[0]; top !== undefined && top.at <= now; top = this.#heap[0]) {
      this.#removeFirst()
      if (top.item.due <= now) return top.item
      this.add(top.item)
    }
    return undefined
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      const left = heap[2 * index + 1]
      const right = heap[2 * index + 2]
      if (left === undefined) break
      const rightFirst = right !== undefined && before(right, left)
      const child = rightFirst ? right : left
      if (!before(child, last)) break
      heap[index] = child
      index = 2 * index + (rightFirst ? 2 : 1)
    }
    heap[index] = last
  }
}

const before = <A>(one: Slot<A>, other: Slot<A>): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order)
