import { Schema } from "effect"

/** A text on the page that is hard to read, and its contrast. */
export const Faint = Schema.Array(Schema.Struct({ text: Schema.String, contrast: Schema.Number }))

/**
 * Every visible text whose contrast to what it stands on is below `least`, by WCAG 2.2's definition (relative luminance
 * and contrast ratio). Half-transparent colours are blended with what lies below them.
 */
export const faintTexts = (least: number): string => `(() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number)
    return { r, g, b, a }
  }
  const over = (top, below) => {
    const mix = (x, y) => x * top.a + y * (1 - top.a)
    return { r: mix(top.r, below.r), g: mix(top.g, below.g), b: mix(top.b, below.b), a: 1 }
  }
  const ground = (node) => {
    if (node === null) return { r: 255, g: 255, b: 255, a: 1 }
    const own = parse(getComputedStyle(node).backgroundColor)
    return own.a === 1 ? own : over(own, ground(node.parentElement))
  }
  const luminance = ({ r, g, b }) => {
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  }
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x)
    return (light + 0.05) / (dark + 0.05)
  }
  const faint = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  let seen = 0
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim()
    const node = walker.currentNode.parentElement
    if (text === "" || !node.checkVisibility() || node.closest(".unseen, .skip, noscript, script") !== null) continue
    seen++
    const below = ground(node)
    const found = contrast(over(parse(getComputedStyle(node).color), below), below)
    if (found < ${least}) faint.push({ text, contrast: found })
  }
  if (seen < 20) throw new Error("only " + seen + " texts were looked at")
  return faint
})()`

/** How light the page is, from 0 to 1. */
export const lightness = `(() => {
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)
  return (r + g + b) / 765
})()`
