const units: ReadonlyArray<readonly [name: string, millis: number]> = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
]

/** A time span for people: `0 s`, `12 s`, `3 min 20 s`, `2 d 4 h`. */
export const spanWords = (millis: number): string => {
  const whole = Math.max(0, Math.floor(millis / 1_000) * 1_000)
  const at = units.findIndex(([, size]) => whole >= size)
  if (at === -1) return "0 s"
  let left = whole
  return units
    .slice(at, at + 2)
    .flatMap(([name, size]) => {
      const many = Math.floor(left / size)
      left -= many * size
      return many === 0 ? [] : [`${many} ${name}`]
    })
    .join(" ")
}

/** How long before `now` a time was, both in ISO 8601: `12 s ago`; a dash where there was none. */
export const ago = (time: string | null, now: string): string =>
  time === null ? "–" : `${spanWords(Date.parse(now) - Date.parse(time))} ago`
