export function render({model}) {
  const box = element("section", "sd-features")
  box.setAttribute("aria-label", "Features")
  const search = element("input", "search")
  search.type = "search"
  search.placeholder = "Search features"
  search.setAttribute("aria-label", "Search features")
  const list = element("div", "list")
  list.tabIndex = 0
  const none = element("p", "none", "No feature matches.")
  box.append(search, list, none)

  const show = () => {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean)
    const fits = (row) => words.every((word) => `${row.label} ${row.name} ${row.group}`.toLowerCase().includes(word))
    const rows = model.rows.filter(fits)
    const parts = []
    let group = null
    for (const row of rows) {
      if (row.group !== group) {
        group = row.group
        parts.push(element("h3", "", group))
      }
      const button = element("button", "row")
      button.type = "button"
      button.dataset.name = row.name
      button.setAttribute("aria-pressed", String(row.name === model.active))
      button.append(element("span", "label", row.label), element("span", "said", row.said))
      button.onclick = () => model.send_msg({kind: "choose", name: row.name})
      parts.push(button)
    }
    const top = list.scrollTop
    list.replaceChildren(...parts)
    list.scrollTop = top
    none.hidden = rows.length > 0
  }
  const mark = () => {
    for (const button of list.querySelectorAll(".row"))
      button.setAttribute("aria-pressed", String(button.dataset.name === model.active))
  }
  search.oninput = show
  show()
  model.on("rows", show)
  model.on("active", mark)
  return box
}
