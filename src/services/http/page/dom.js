// Everything that is shown goes through here: elements are made one by one, and data is text, never markup.

/** @typedef {string | Node | null | undefined | ReadonlyArray<string | Node>} Content */

/**
 * @template A
 * @typedef {object} View Something that is shown, and how it is brought up to date.
 * @property {HTMLElement} node
 * @property {(item: A) => void} update
 */

/**
 * The element of the page with this id, which must be of this kind.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export const byId = (id, kind) => {
  const node = document.getElementById(id)
  if (node instanceof kind) return node
  throw new Error(`the page has no ${kind.name} "${id}"`)
}

/** @param {string} id */
export const part = (id) => byId(id, HTMLElement)

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Readonly<Record<string, string>>} [attributes]
 * @param {ReadonlyArray<Content>} content
 * @returns {HTMLElementTagNameMap[K]}
 */
export const element = (name, attributes = {}, ...content) => {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  for (const one of content.flat()) if (one !== null && one !== undefined) node.append(one)
  return node
}

/**
 * What is said aloud and not shown.
 * @param {string} text
 */
export const unseen = (text) => element("span", { class: "unseen" }, text)

/**
 * @param {Node} node
 * @param {string} text
 */
export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {string | null} value null: without it
 */
export const setAttribute = (node, name, value) => {
  if (value === null) node.removeAttribute(name)
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value)
}

/** @type {WeakMap<Element, Map<string, View<never>>>} */
const shown = new WeakMap()

/**
 * Makes `items` the children of `parent`, in their order. What has the same key as before stays the same element, with
 * its focus and its place; nothing is moved that need not be.
 * @template A
 * @param {Element} parent
 * @param {ReadonlyArray<A>} items
 * @param {(item: A) => string} keyOf
 * @param {(item: A) => View<A>} make
 * @param {Element | null} [first] a child that stays before them
 */
export const patch = (parent, items, keyOf, make, first = null) => {
  /** @type {Map<string, View<A>>} */
  const before = shown.get(parent) ?? new Map()
  /** @type {Map<string, View<A>>} */
  const after = new Map()
  for (const item of items) {
    const key = keyOf(item)
    const view = before.get(key) ?? make(item)
    view.update(item)
    after.set(key, view)
  }
  for (const [key, { node }] of before) if (!after.has(key)) node.remove()
  let place = first === null ? parent.firstElementChild : first.nextElementSibling
  for (const { node } of after.values()) {
    if (node === place) place = node.nextElementSibling
    else parent.insertBefore(node, place)
  }
  shown.set(parent, after)
}

/**
 * A list of plain lines.
 * @param {Element} parent
 * @param {ReadonlyArray<string>} lines
 */
export const patchLines = (parent, lines) =>
  patch(
    parent,
    lines.map((text, index) => ({ text, index })),
    ({ index }) => String(index),
    () => {
      const node = element("li")
      return { node, update: ({ text }) => setText(node, text) }
    },
  )

/**
 * "… and 12 more", where there are more.
 * @param {string} id
 * @param {number} leftOut
 * @param {string} what
 */
export const sayLeftOut = (id, leftOut, what) => {
  const node = part(id)
  node.hidden = leftOut === 0
  setText(node, `… and ${leftOut} more ${what}; /status has them all`)
}
