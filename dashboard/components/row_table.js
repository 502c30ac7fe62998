export function render({model}) {
  const box = document.createElement("div")
  box.className = "sd-table"
  const scroll = document.createElement("div")
  scroll.className = "scroll"
  scroll.tabIndex = 0
  const table = document.createElement("table")
  const head = document.createElement("thead")
  const body = document.createElement("tbody")
  table.append(head, body)
  scroll.append(table)
  const foot = document.createElement("div")
  foot.className = "foot"
  const where = document.createElement("span")
  where.setAttribute("role", "status")
  const step = (label, by) => {
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = label
    button.onclick = () => { model.page = model.page + by }
    return button
  }
  const previous = step("Previous", -1), next = step("Next", 1)
  foot.append(where, previous, next)
  const sorter = document.createElement("label")
  sorter.className = "sorter"
  sorter.textContent = "Sort by"
  const order_by = document.createElement("select")
  order_by.onchange = () => { model.sort = order_by.value }
  sorter.append(order_by)
  box.append(sorter, scroll, foot)

  const show_head = () => {
    const row = document.createElement("tr")
    for (const column of model.columns) {
      const cell = document.createElement("th")
      cell.scope = "col"
      if (column.numeric) cell.className = "number"
      const button = document.createElement("button")
      button.type = "button"
      const sorted = model.sort === column.name
      button.textContent = column.title + (sorted ? (model.descending ? " ↓" : " ↑") : "")
      cell.setAttribute("aria-sort", sorted ? (model.descending ? "descending" : "ascending") : "none")
      button.onclick = () => {
        if (model.sort === column.name) model.descending = !model.descending
        else model.sort = column.name
      }
      cell.append(button)
      row.append(cell)
    }
    head.replaceChildren(row)
    order_by.replaceChildren(...[{name: "", title: "as listed"}, ...model.columns].map((column) => {
      const option = document.createElement("option")
      option.value = column.name
      option.textContent = column.title
      return option
    }))
    order_by.value = model.sort
  }
  const show = () => {
    body.replaceChildren(...model.rows.map((values, number) => {
      const row = document.createElement("tr")
      values.forEach((value, i) => {
        const cell = document.createElement("td")
        cell.className = model.columns[i]?.numeric ? "number" : value.length < 13 ? "short" : ""
        cell.dataset.label = model.columns[i]?.title ?? ""
        const key = model.keys[number]
        if (model.columns[i]?.link && key) {
          const link = document.createElement("button")
          link.type = "button"
          link.className = "link"
          link.textContent = value
          link.onclick = () => model.send_msg({key})
          cell.append(link)
        } else cell.textContent = value
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
  }
  show_head()
  show()
  for (const name of ["columns", "sort", "descending"]) model.on(name, show_head)
  for (const name of ["rows", "total"]) model.on(name, show)
  return box
}
