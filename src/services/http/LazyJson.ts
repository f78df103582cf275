/** A list of which each item is made when it is written. */
export class Each<A> {
  readonly items: Iterable<Lazy<A>>
  constructor(items: Iterable<Lazy<A>>) {
    this.items = items
  }
}

/** An object with any keys, of which each value is made when it is written. */
export class Members<A> {
  readonly entries: Iterable<readonly [string, Lazy<A>]>
  constructor(entries: Iterable<readonly [string, Lazy<A>]>) {
    this.entries = entries
  }
}

/** An object with fixed keys, some values of which are lazy. */
export class Fields<A> {
  readonly fields: { readonly [K in keyof A]: Lazy<A[K]> }
  constructor(fields: { readonly [K in keyof A]: Lazy<A[K]> }) {
    this.fields = fields
  }
}

/** JSON that says an `A`, of which parts may be made only when they are written: it costs neither memory nor time before. */
export type Lazy<A> =
  | A
  | (A extends ReadonlyArray<infer I>
      ? Each<I>
      : A extends object
        ? string extends keyof A
          ? Members<A[keyof A]>
          : Fields<A>
        : never)

/** The same text as `JSON.stringify` of the whole, in pieces: one for each part that is not lazy itself. */
export function* jsonPieces(value: unknown): Generator<string, void> {
  if (value instanceof Each) {
    yield "["
    let separator = ""
    for (const item of value.items) {
      yield separator
      yield* jsonPieces(item)
      separator = ","
    }
    yield "]"
  } else if (value instanceof Members || value instanceof Fields) {
    yield "{"
    let separator = ""
    for (const [key, member] of value instanceof Members ? value.entries : Object.entries(value.fields)) {
      yield `${separator}${JSON.stringify(key)}:`
      yield* jsonPieces(member)
      separator = ","
    }
    yield "}"
  } else yield JSON.stringify(value)
}
