const MOST_IN_FULL = 20
const PHONE = 460

export function render({model}) {
  const box = element("div", "sd-actions")
  const bar = element("div", "bar")
  const search = element("input", "search")
  search.type = "search"
  search.placeholder = model.search_label
  search.setAttribute("aria-label", model.search_label)
  let waiting = 0
  search.oninput = () => {
    clearTimeout(waiting)
    waiting = setTimeout(() => model.send_msg({kind: "search", text: search.value}), 250)
  }
  const chosen = element("span", "chosen")
  chosen.setAttribute("role", "status")
  const button = (label, message, name = "") => {
    const node = element("button", name, label)
    node.type = "button"
    node.onclick = () => model.send_msg(message)
    return node
  }
  const all = button("Select all", {kind: "all"})
  const none = button("Clear selection", {kind: "none"})
  const csv = button("Export CSV", {kind: "export", form: "csv"}, "export")
  const excel = button("Export Excel", {kind: "export", form: "xlsx"}, "export")
  const sorter = element("label", "sorter", "Sort by")
  const order_by = element("select")
  order_by.onchange = () => model.send_msg({kind: "sort", column: order_by.value})
  sorter.append(order_by)
  bar.append(search, sorter, chosen, all, none, csv, excel)

  const scroll = element("div", "scroll")
  scroll.tabIndex = 0
  const table = element("table")
  const head = element("thead"), body = element("tbody")
  table.append(head, body)
  scroll.append(table)
  const foot = element("div", "foot")
  const where = element("span")
  where.setAttribute("role", "status")
  const previous = button("Previous", {kind: "turn", by: -1}), next = button("Next", {kind: "turn", by: 1})
  foot.append(where, previous, next)
  box.append(bar, scroll, foot)

  const show_head = () => {
    const row = element("tr")
    if (model.selectable) row.append(element("th", "pick"))
    for (const column of model.columns) {
      const cell = element("th", column.numeric ? "number" : "")
      cell.scope = "col"
      const sorted = model.sort === column.name
      const label = column.title + (sorted ? (model.descending ? "\u00a0↓" : "\u00a0↑") : "")
      const order = element("button", "", label)
      order.type = "button"
      order.title = column.help ?? ""
      order.onclick = () => model.send_msg({kind: "sort", column: column.name})
      cell.setAttribute("aria-sort", sorted ? (model.descending ? "descending" : "ascending") : "none")
      cell.append(order)
      if (column.small) cell.append(element("small", "", column.small))
      row.append(cell)
    }
    head.replaceChildren(row)
    const titles = model.columns.map((column) => Object.assign(element("option", "", column.title), {value: column.name}))
    const given = Object.assign(element("option", "", "as listed"), {value: ""})
    order_by.replaceChildren(...(model.sort ? [] : [given]), ...titles)
    order_by.value = model.sort
  }
  const show_rows = () => {
    body.replaceChildren(...model.rows.map((line) => {
      const row = element("tr", line.selected ? "selected" : "")
      if (model.selectable) {
        const pick = element("td", "pick")
        const check = element("input")
        check.type = "checkbox"
        check.checked = line.selected
        check.setAttribute("aria-label", `Select ${line.name}`)
        check.onchange = () => model.send_msg({kind: "pick", key: line.key, on: check.checked})
        pick.append(check)
        row.append(pick)
      }
      line.cells.forEach((text, i) => {
        const column = model.columns[i] ?? {}
        const small = line.small?.[i] ?? ""
        const cell = element("td", column.numeric ? "number" : column.long ? "long" : text.length < 13 ? "short" : "")
        cell.dataset.label = column.title
        if (line.tones[i]) cell.dataset.tone = line.tones[i]
        if (column.link && line.key) {
          const link = element("button", "link", text)
          link.type = "button"
          link.onclick = () => model.send_msg({kind: "open", key: line.key})
          cell.append(link)
        } else cell.textContent = text
        if (small && small !== "–") cell.append(element("small", "", small))
        row.append(cell)
      })
      return row
    }))
    const first = model.total === 0 ? 0 : model.page * model.page_size + 1
    const last = Math.min(model.total, (model.page + 1) * model.page_size)
    where.textContent = `${first.toLocaleString("en")}–${last.toLocaleString("en")} of ${model.total.toLocaleString("en")}`
    previous.disabled = model.page === 0
    next.disabled = last >= model.total
    previous.hidden = next.hidden = model.total <= model.page_size
    chosen.textContent = model.message || (model.selected ? `${model.selected.toLocaleString("en")} selected` : "")
    none.hidden = !model.selectable || model.selected === 0
    all.hidden = !model.selectable || model.total === 0
    for (const node of [csv, excel]) {
      node.disabled = model.exporting
      node.title = model.selected ? "Writes the selected rows" : "Writes all rows of the list"
    }
  }
  // Pages of some rows are shown in full; long ones, and those on a phone, scroll.
  const tell_missing = () => {
    if (!box.clientWidth) return
    const full = model.rows.length <= MOST_IN_FULL && box.clientWidth > PHONE
    const missing = full ? table.offsetHeight - scroll.clientHeight : null
    box.dispatchEvent(new CustomEvent("sd-missing", {bubbles: true, composed: true, detail: missing}))
  }
  new ResizeObserver(tell_missing).observe(table)
  bar.hidden = model.plain
  show_head()
  show_rows()
  for (const name of ["columns", "sort", "descending"]) model.on(name, show_head)
  for (const name of ["rows", "total", "selected", "message", "exporting"]) model.on(name, show_rows)

  let parts = []
  model.on("msg:custom", (data) => {
    if (data.kind !== "part") return
    if (data.first) parts = []
    parts.push(data.part)
    if (!data.last) { model.send_msg({kind: "next"}); return }
    const link = element("a")
    link.href = URL.createObjectURL(new Blob(parts, {type: data.type}))
    link.download = data.name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 1000)
    parts = []
  })
  return box
}
