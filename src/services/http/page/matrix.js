// The topology: tables across, destination CIDRs down, in each cell the host that carries it.

/** @import { OverviewCellJson, OverviewJson, OverviewRowJson, OverviewTableJson } from "../OverviewJson.ts" */
/** @import { View } from "./dom.js" */
import { byId, element, part, patch, sayLeftOut, setAttribute, setText, unseen } from "./dom.js"
import { bySeverity, standings } from "./standings.js"
import { compareAddresses, plural } from "./words.js"

/** @typedef {{ readonly table: OverviewTableJson, readonly cell: OverviewCellJson }} Placed */

/** @param {OverviewTableJson} table @returns {View<OverviewTableJson>} */
const makeTableHead = (table) => {
  const name = element("span", { class: "name" })
  const node = element("th", { scope: "col" }, element("span", { class: "id" }, table.id), name)
  return {
    node,
    update: ({ main, name: tag }) =>
      setText(name, [tag, main && tag !== "main" ? "main" : null].filter(Boolean).join(" · ")),
  }
}

/** Where a write that waits leads. @param {string} to */
const moving = (to) => (to === "delete" ? ["→ ", "deletion"] : ["→ ", to])

/** @returns {View<Placed>} */
const makeCell = () => {
  const mark = element("span", { class: "mark", "aria-hidden": "true" })
  const words = element("span", { class: "host" })
  const said = unseen("")
  const next = element("span", { class: "next" })
  const node = element(
    "td",
    {},
    element("div", { class: "cell" }, element("span", { class: "now" }, mark, words, said), next),
  )
  /** @type {string | undefined} */
  let before
  return {
    node,
    update: ({ cell }) => {
      const text = JSON.stringify(cell)
      if (text === before) return
      const [standing, host, target, to] = cell
      const { kind, mark: sign, words: meaning } = standings[standing]
      setText(mark, sign)
      setText(words, host ?? target ?? (standing === "missing" ? "none" : ""))
      setText(said, ` ${meaning}`)
      next.replaceChildren(...(to === null ? [] : [unseen(" moving "), ...moving(to)]))
      setAttribute(node, "data-standing", standing)
      setAttribute(node, "data-kind", kind)
      setAttribute(node, "title", [target, meaning].filter(Boolean).join(": "))
      // What changed while one looks on is lit up for a moment; the style sheet leaves it out for those who ask for that.
      if (before !== undefined && node.isConnected) {
        node.classList.remove("changed")
        void node.offsetWidth
        node.classList.add("changed")
      }
      before = text
    },
  }
}

/** @type {ReadonlyArray<OverviewTableJson>} */
let tablesNow = []

/** @param {NonNullable<OverviewRowJson["hosts"]>} hosts */
const hostWords = ({ left_out, shown }) =>
  shown.length === 0 ? "no host" : `${shown.join(", ")}${left_out > 0 ? ` and ${left_out} more` : ""}`

/** @param {OverviewRowJson} row @returns {View<OverviewRowJson>} */
const makeRow = ({ cidr }) => {
  const head = element("th", { scope: "row" }, cidr)
  const node = element("tr", {}, head)
  return {
    node,
    update: ({ cells, hosts }) => {
      setAttribute(head, "title", hosts === null ? "not in the spec" : `may be carried by ${hostWords(hosts)}`)
      const placed = tablesNow.flatMap((table, i) => {
        const cell = cells[i]
        return cell === undefined ? [] : [{ table, cell }]
      })
      patch(node, placed, ({ table }) => table.id, makeCell, head)
    },
  }
}

/** @param {ReadonlyArray<OverviewRowJson>} rows */
const sorted = (rows) => [...rows].sort((a, b) => compareAddresses(a.cidr, b.cidr))

/** @param {OverviewJson} overview */
const renderLegend = ({ others, rows }) => {
  const isShown = othersShown().checked
  const all = [...rows.shown, ...(isShown ? others.shown : [])]
  const present = new Set(all.flatMap(({ cells }) => cells.map(([standing]) => standing)))
  patch(
    part("legend"),
    bySeverity.filter((standing) => standing !== "empty" && present.has(standing)),
    (standing) => standing,
    (standing) => {
      const { kind, mark, words } = standings[standing]
      const sign = element("span", { class: "mark", "aria-hidden": "true" }, mark)
      return { node: element("li", { "data-kind": kind }, sign, ` ${words}`), update: () => {} }
    },
  )
}

const othersShown = () => byId("others-shown", HTMLInputElement)

/** @param {OverviewJson} overview */
const renderOthers = ({ others }) => {
  const count = others.shown.length + others.left_out
  part("others-switch").hidden = count === 0
  setText(part("others-words"), `Show what is not ours (${count})`)
  const body = part("matrix-others")
  body.hidden = !othersShown().checked
  patch(body, body.hidden ? [] : sorted(others.shown), ({ cidr }) => cidr, makeRow)
}

/** Why there is nothing to see. @param {OverviewJson} overview */
const whyEmpty = ({ last_refresh, mode, protecting }) => {
  if (last_refresh.at === null) return "EC2 has not been read yet."
  if (protecting) return "The spec names no destination."
  return mode === "http" ? "No spec yet. Post one:" : "No spec has been read yet."
}

const example = () =>
  `curl -X POST -H 'Content-Type: application/json' ${location.origin}/route_spec -d '{"10.66.17.0/24": ["10.33.20.93", "10.33.30.22"]}'`

/** @param {OverviewJson} overview */
export const renderMatrix = (overview) => {
  const { mode, protecting, rows, tables } = overview
  tablesNow = tables.shown
  const isEmpty = rows.shown.length === 0
  const empty = part("no-routes")
  empty.hidden = !isEmpty
  const why = isEmpty ? whyEmpty(overview) : ""
  if (isEmpty && empty.firstChild?.textContent !== why)
    empty.replaceChildren(
      element("p", {}, why),
      ...(mode === "http" && !protecting ? [element("pre", { tabindex: "0" }, element("code", {}, example()))] : []),
    )
  part("matrix-box").hidden = isEmpty && !othersShown().checked
  patch(part("matrix-head"), tables.shown, ({ id }) => id, makeTableHead, part("matrix-corner"))
  patch(part("matrix-rows"), sorted(rows.shown), ({ cidr }) => cidr, makeRow)
  renderOthers(overview)
  renderLegend(overview)
  sayLeftOut("matrix-left-out", rows.left_out, "destinations")
  const hidden = part("matrix-left-out")
  if (tables.left_out > 0) {
    hidden.hidden = false
    setText(
      hidden,
      `… and ${plural(rows.left_out, "more destination")}, ${plural(tables.left_out, "more table")}; /status has them all`,
    )
  }
}
