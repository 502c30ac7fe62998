const WAIT_MS = 200

export function render({model}) {
  const box = element("section", "sd-customer")
  const words = element("div", "words")
  const back = element("button", "back")
  back.type = "button"
  back.onclick = () => model.send_msg({kind: "back"})
  const heading = element("h1")
  const detail = element("p", "detail")
  words.append(back, heading, detail)
  const search = element("div", "search")
  const field = element("input")
  field.type = "search"
  field.placeholder = "Find a customer by name or number"
  field.autocomplete = "off"
  field.setAttribute("role", "combobox")
  field.setAttribute("aria-label", "Find a customer by name or number")
  field.setAttribute("aria-autocomplete", "list")
  field.setAttribute("aria-expanded", "false")
  const list = element("ul", "found")
  list.id = `found-${Math.random().toString(36).slice(2)}`
  list.setAttribute("role", "listbox")
  list.setAttribute("aria-label", "Customers found")
  field.setAttribute("aria-controls", list.id)
  list.hidden = true
  search.append(field, list)
  const message = element("p", "message")
  message.setAttribute("role", "alert")
  box.append(words, search, message)

  let waiting = 0, active = -1
  const close = () => {
    list.hidden = true
    active = -1
    field.setAttribute("aria-expanded", "false")
    field.removeAttribute("aria-activedescendant")
  }
  const choose = (key) => {
    field.value = ""
    close()
    model.send_msg({kind: "open", key})
  }
  const mark = () => {
    [...list.children].forEach((item, i) => {
      item.classList.toggle("active", i === active)
      item.setAttribute("aria-selected", String(i === active))
    })
    if (active >= 0) field.setAttribute("aria-activedescendant", list.children[active].id)
  }
  field.oninput = () => {
    clearTimeout(waiting)
    waiting = setTimeout(() => model.send_msg({kind: "search", text: field.value}), WAIT_MS)
  }
  field.onkeydown = (event) => {
    const count = model.found.length
    if (event.key === "Escape") close()
    else if (event.key === "Enter" && !list.hidden && count) choose(model.found[Math.max(active, 0)].key)
    else if (!list.hidden && count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      active = (active + (event.key === "ArrowDown" ? 1 : active < 0 ? count : -1) + count) % count
      mark()
      event.preventDefault()
    }
  }
  field.onblur = () => setTimeout(close, 150)
  const show_found = () => {
    if (!field.value.trim() || model.asked !== field.value.trim()) { close(); return }
    active = -1
    list.replaceChildren(...(model.found.length ? model.found.map((customer, i) => {
      const item = element("li")
      item.id = `${list.id}-${i}`
      item.setAttribute("role", "option")
      item.append(element("span", "name", customer.name), element("span", "quiet", customer.detail))
      item.onpointerdown = (event) => { event.preventDefault(); choose(customer.key) }
      return item
    }) : [element("li", "nobody", "Nobody is called that.")]))
    list.hidden = false
    field.setAttribute("aria-expanded", "true")
  }
  const show = () => {
    back.textContent = `← Back to ${model.came_from}`
    back.hidden = !model.came_from
    heading.textContent = model.heading
    detail.textContent = model.detail
    detail.hidden = !model.detail
    message.textContent = model.message
    message.hidden = !model.message
  }
  show()
  for (const name of ["heading", "detail", "message", "came_from"]) model.on(name, show)
  for (const name of ["found", "asked"]) model.on(name, show_found)
  return box
}
