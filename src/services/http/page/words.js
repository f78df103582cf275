// Times, durations and numbers in words.

import { element, setAttribute, setText } from "./dom.js"

/** The daemon's clock, as far as this page knows it: an hour that is wrong here does not matter. */
const clock = { now: Date.now(), at: performance.now() }

/** @param {string} iso */
export const setClock = (iso) => {
  clock.now = Date.parse(iso)
  clock.at = performance.now()
}

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`

/** @param {number} millis */
export const duration = (millis) => {
  const seconds = millis / 1_000
  if (seconds < 1) return `${Math.round(millis)} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  return longDuration(millis)
}

/** To whole seconds. @param {number} millis */
const longDuration = (millis) => {
  const seconds = Math.max(0, Math.round(millis / 1_000))
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}

const clockTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })

/** The time of day, here. @param {string} iso */
export const timeOfDay = (iso) => clockTime.format(new Date(iso))

/** @param {string} iso @param {string} form */
const relative = (iso, form) => {
  const age = clock.now + performance.now() - clock.at - Date.parse(iso)
  switch (form) {
    case "in":
      return age > -1_000 ? "at any moment" : `in ${longDuration(-age)}`
    case "for":
      return `for ${longDuration(age)}`
    default:
      return age < 1_000 ? "just now" : `${longDuration(age)} ago`
  }
}

/** A time that keeps itself up to date. @param {"ago" | "for" | "in"} form */
export const timeView = (form) => {
  const node = element("time", { "data-form": form })
  return {
    node,
    /** @param {string} iso */
    update: (iso) => {
      setAttribute(node, "datetime", iso)
      setAttribute(node, "title", new Date(iso).toLocaleString())
      setText(node, relative(iso, form))
    },
  }
}

/** Brings all times that are shown up to date. */
export const tick = () => {
  for (const node of document.querySelectorAll("time[data-form]"))
    setText(node, relative(node.getAttribute("datetime") ?? "", node.getAttribute("data-form") ?? "ago"))
}

/** Addresses and CIDRs in the order of their numbers, IPv4 first. @param {string} a @param {string} b */
export const compareAddresses = (a, b) => sortKey(a).localeCompare(sortKey(b), "en")

/** @param {string} address */
const sortKey = (address) => {
  const [host = "", length = ""] = address.split("/")
  const parts = host.includes(":") ? ["6", ...hextets(host)] : ["4", ...host.split(".").map((n) => n.padStart(4, "0"))]
  return [...parts, length.padStart(3, "0")].join(".")
}

/** @param {string} host */
const hextets = (host) => {
  const [head = "", tail] = host.split("::")
  const before = head === "" ? [] : head.split(":")
  const after = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array(zeros).fill("0"), ...after].map((part) => part.padStart(4, "0"))
}
