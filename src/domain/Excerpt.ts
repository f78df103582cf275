/** The first of many, and how many there are besides. */
export interface Excerpt<A> {
  readonly shown: ReadonlyArray<A>
  readonly leftOut: number
}

/** Where `item` goes in a sorted list: behind its equals. */
const placeOf = <A>(sorted: ReadonlyArray<A>, item: A, compare: (a: A, b: A) => number): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = sorted[middle]
    if (other !== undefined && compare(item, other) < 0) high = middle
    else low = middle + 1
  }
  return low
}

/** Keeps the least `limit` of the items that it is given: sorted, for about one comparison an item. */
export const excerpting = <A>(limit: number, compare: (a: A, b: A) => number) => {
  const shown: Array<A> = []
  let leftOut = 0
  return {
    add: (item: A): void => {
      const last = shown[limit - 1]
      if (limit === 0 || (last !== undefined && compare(item, last) >= 0)) {
        leftOut++
        return
      }
      shown.splice(placeOf(shown, item, compare), 0, item)
      if (shown.length <= limit) return
      shown.pop()
      leftOut++
    },
    result: (): Excerpt<A> => ({ shown, leftOut }),
  }
}

/** The least `limit` items, sorted: the beginning of what sorting all of them gives. */
export const excerpt = <A>(items: Iterable<A>, limit: number, compare: (a: A, b: A) => number): Excerpt<A> => {
  const { add, result } = excerpting(limit, compare)
  for (const item of items) add(item)
  return result()
}

/** The first `limit` distinct items of several sources, those of the first source first. */
export const firstOf = <A>(limit: number, sources: ReadonlyArray<Iterable<A>>): ReadonlySet<A> => {
  const chosen = new Set<A>()
  for (const source of sources)
    for (const item of source) {
      if (chosen.size >= limit) return chosen
      chosen.add(item)
    }
  return chosen
}
