/** A line or a set of dots in a chart. Points whose `y` is 0 or less stand at the bottom, hollow. */
export interface Series {
  readonly words: string
  readonly colour: string
  readonly kind: "line" | "dots"
  readonly points: ReadonlyArray<{ readonly x: number; readonly y: number }>
}

export interface ChartOptions {
  readonly title: string
  readonly subtitle: string
  readonly xWords: string
  readonly yWords: string
  readonly xTicks: ReadonlyArray<number>
  /** Powers of ten, the lowest and the highest. */
  readonly y: readonly [least: number, most: number]
  /** A level to compare with. */
  readonly level?: { readonly y: number; readonly words: string }
  readonly series: ReadonlyArray<Series>
}

const width = 760
const height = 480
const frame = { left: 76, right: 24, top: 64, bottom: 132 }
const text = (x: number, y: number, words: string, more = "") =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${more}>${words}</text>`

const superscript = (exponent: number): string =>
  exponent === 0
    ? "1"
    : exponent === 1
      ? "10"
      : [...`${exponent}`].reduce((sum, one) => sum + ("⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(one)] ?? "⁻"), "10")

/** A chart with logarithmic axes as SVG. */
export const chart = ({
  level,
  series,
  subtitle,
  title,
  xTicks,
  xWords,
  y: [least, most],
  yWords,
}: ChartOptions): string => {
  const [first = 1] = xTicks
  const last = xTicks.at(-1) ?? 10
  const right = width - frame.right
  const bottom = height - frame.bottom
  const x = (value: number): number =>
    frame.left + (Math.log(value / first) / Math.log(last / first)) * (right - frame.left)
  const y = (value: number): number =>
    bottom - ((Math.log10(Math.max(value, 10 ** least)) - least) / (most - least)) * (bottom - frame.top)
  const grid = Array.from({ length: most - least + 1 }, (_, n) => least + n).flatMap((power) => {
    const at = y(10 ** power)
    return [
      `<line x1="${frame.left}" x2="${right}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="#d0d7de"/>`,
      text(frame.left - 8, at + 4, superscript(power), ' text-anchor="end"'),
    ]
  })
  const ticks = xTicks.flatMap((tick) => [
    `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="${bottom}" y2="${bottom + 5}" stroke="#57606a"/>`,
    text(x(tick), bottom + 20, `${tick}`, ' text-anchor="middle"'),
  ])
  const drawn = series.map(({ colour, kind, points }) =>
    kind === "line"
      ? `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map((one) => `${x(one.x).toFixed(1)},${y(one.y).toFixed(1)}`).join(" ")}"/>`
      : points
          .map(
            (one) =>
              `<circle cx="${x(one.x).toFixed(1)}" cy="${y(one.y).toFixed(1)}" r="4.5" stroke="${colour}" stroke-width="2" fill="${one.y > 0 ? colour : "#ffffff"}"/>`,
          )
          .join(""),
  )
  const keys = series.map(({ colour, kind, words }, n) => {
    const at = { x: frame.left + (n % 2) * 340, y: bottom + 66 + Math.floor(n / 2) * 20 }
    const mark =
      kind === "line"
        ? `<line x1="${at.x}" x2="${at.x + 18}" y1="${at.y - 4}" y2="${at.y - 4}" stroke="${colour}" stroke-width="2"/>`
        : `<circle cx="${at.x + 9}" cy="${at.y - 4}" r="4.5" fill="${colour}"/>`
    return mark + text(at.x + 26, at.y, words)
  })
  const compared =
    level === undefined
      ? []
      : [
          `<line x1="${frame.left}" x2="${right}" y1="${y(level.y).toFixed(1)}" y2="${y(level.y).toFixed(1)}" stroke="#57606a" stroke-dasharray="4 4"/>`,
          text(frame.left + 6, y(level.y) - 6, level.words),
        ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
  <style>text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 15px }</style>
  <rect width="100%" height="100%" fill="#ffffff"/>
  ${text(24, 26, title, ' class="title"')}
  ${text(24, 46, subtitle)}
  ${[...grid, ...ticks, ...compared, ...drawn, ...keys].join("\n  ")}
  ${text((frame.left + right) / 2, bottom + 40, xWords, ' text-anchor="middle"')}
  ${text(-(frame.top + bottom) / 2, 22, yWords, ' text-anchor="middle" transform="rotate(-90)"')}
</svg>
`
}
