function element(tag, name = "", text = "") {
  const node = document.createElement(tag)
  if (name) node.className = name
  node.textContent = text
  return node
}

function figures(list) {
  const box = element("dl", "figures")
  box.append(...list.map(({label, value, note}) => {
    const card = element("div", "card")
    card.append(element("dt", "", label), element("dd", "value", value), element("dd", "note", note))
    return card
  }))
  return box
}

function table({title, description, columns, rows, empty}) {
  const card = element("section", "card")
  card.setAttribute("aria-label", title)
  card.append(element("h2", "", title), element("p", "note", description))
  if (!rows.length) {
    card.append(element("p", "empty", empty))
    return card
  }
  const scroll = element("div", "scroll")
  scroll.tabIndex = 0
  const grid = element("table")
  const head = element("thead"), body = element("tbody"), names = element("tr")
  for (const [name, is_number] of columns) {
    const cell = element("th", is_number ? "number" : "", name)
    cell.scope = "col"
    names.append(cell)
  }
  head.append(names)
  body.append(...rows.map((row) => {
    const line = element("tr")
    line.append(...row.map((text, place) => element("td", columns[place][1] ? "number" : "", text)))
    return line
  }))
  grid.append(head, body)
  scroll.append(grid)
  card.append(scroll)
  return card
}

export function render({model}) {
  const box = element("div", "sd-server")
  const top = element("div", "top")
  const asked = element("p", "note")
  asked.setAttribute("role", "status")
  const again = element("button", "again", "Read again")
  again.type = "button"
  again.onclick = () => model.send_msg({kind: "read"})
  top.append(asked, again)
  const place = element("div", "parts")
  const show = () => {
    const {caption = "", figures: list = [], tables = []} = model.report
    asked.textContent = caption
    place.replaceChildren(figures(list), ...tables.map(table))
  }
  box.append(top, place)
  show()
  model.on("report", show)
  return box
}
