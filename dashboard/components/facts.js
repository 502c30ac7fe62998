export function render({model, view}) {
  const card = document.createElement("section")
  card.className = "sd-facts"
  const title = document.createElement("h2")
  const list = document.createElement("dl")
  card.append(title, list)
  const show = () => {
    title.textContent = model.title
    card.setAttribute("aria-label", model.title)
    list.replaceChildren(...model.facts.map((fact) => {
      const row = document.createElement("div")
      row.className = fact.tone ?? ""
      const label = document.createElement("dt")
      label.textContent = fact.label
      const value = document.createElement("dd")
      value.textContent = fact.value
      row.append(label, value)
      return row
    }))
  }
  view.el.style.gridColumn = model.wide ? "1 / -1" : ""
  show()
  model.on("facts", show)
  model.on("title", show)
  return card
}
