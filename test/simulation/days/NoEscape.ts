/** Ways out of virtual time: real clocks, real timers, real chance, and whatever comes back by the event loop. */
const ways: ReadonlyArray<readonly [owner: object, name: string]> = [
  [globalThis, "setTimeout"],
  [globalThis, "setInterval"],
  [globalThis, "setImmediate"],
  [globalThis, "queueMicrotask"],
  [Promise.prototype, "then"],
  [process, "nextTick"],
  [Date, "now"],
  [performance, "now"],
  [Math, "random"],
  [process, "hrtime"],
]

/** Runs work that must not leave virtual time. Whoever tries is told, and so is the caller, with where it was. */
export const withoutEscape = <A>(work: () => A): A => {
  const escapes: Array<Error> = []
  const originals = ways.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name))
  ways.forEach(([owner, name]) => {
    const refuse = () => {
      const error = new Error(`${name} was called in virtual time`)
      escapes.push(error)
      throw error
    }
    Object.defineProperty(owner, name, { configurable: true, writable: true, value: refuse })
  })
  const restore = () =>
    ways.forEach(([owner, name], at) => {
      const original = originals[at]
      if (original === undefined) Reflect.deleteProperty(owner, name)
      else Object.defineProperty(owner, name, original)
    })
  let value: A
  try {
    value = work()
  } finally {
    restore()
  }
  const [first] = escapes
  if (first !== undefined) throw first
  return value
}
