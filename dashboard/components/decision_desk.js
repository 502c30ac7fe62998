const WAIT_MS = 60

function throttled(send) {
  // tells the first change at once and the last one soon after: a slider answers while it moves
  let last = 0, waiting = 0
  return (...what) => {
    clearTimeout(waiting)
    const left = last + WAIT_MS - performance.now()
    const go = () => { last = performance.now(); send(...what) }
    if (left <= 0) go()
    else waiting = setTimeout(go, left)
  }
}

function slider(field, send) {
  const label = element("label", "field")
  const title = element("span", "label", field.label)
  const input = element("input")
  input.type = field.kind
  const said = element("output", "said", field.text ?? "")
  const live = throttled((value) => send({kind: "set", name: field.name, value, final: false}))
  const number = () => (input.value === "" ? null : Number(input.value))
  let moving = false
  input.oninput = () => { moving = true; if (number() !== null && input.checkValidity()) live(number()) }
  input.onchange = () => {
    moving = false
    if (number() === null) { input.value = field.value; return }
    const value = Math.min(Math.max(number(), Number(input.min)), Number(input.max))
    send({kind: "set", name: field.name, value, final: true})
  }
  label.append(title, input)
  if (field.kind === "range") label.append(said)
  else if (field.text) label.append(element("span", "hint", field.text))
  const set = (next) => {
    field = next
    for (const name of ["min", "max", "step"]) input[name] = next[name]
    if (!moving) input.value = next.value
    if (next.kind === "range") input.setAttribute("aria-valuetext", next.text ?? "")
    if (next.text) label.lastChild.textContent = next.text
    title.textContent = next.label
  }
  set(field)
  return {label, set}
}

function search(field, send) {
  const label = element("label", "field find")
  const input = element("input")
  input.type = "search"
  input.autocomplete = "off"
  const list = element("datalist")
  list.id = `desk-${Math.random().toString(36).slice(2)}`
  input.setAttribute("list", list.id)
  let options = field.options ?? [], waiting = 0
  const chosen = () => options.find(({text}) => text === input.value)
  input.oninput = () => {
    clearTimeout(waiting)
    const found = chosen()
    if (found) { send({kind: "set", name: field.name, value: found.value, final: true}); return }
    waiting = setTimeout(() => send({kind: "search", name: field.name, text: input.value}), 200)
  }
  input.onfocus = () => input.select()
  label.append(element("span", "label", field.label), input, list)
  let shown = null
  const set = (next) => {
    field = next
    options = next.options ?? []
    list.replaceChildren(...options.map(({text}) => {
      const option = element("option")
      option.value = text
      return option
    }))
    if (next.text !== shown) input.value = shown = next.text
  }
  set(field)
  return {label, set}
}

function figure_card({key, label, value, detail}) {
  const card = element("div", "figure")
  card.dataset.key = key
  card.append(element("dt", "", label), element("dd", "value", value), element("dd", "detail", detail ?? ""))
  return card
}

function section({title, lines, bars}) {
  const box = element("section", "part")
  box.append(element("h3", "", title))
  if (bars) {
    const largest = Math.max(...bars.map(({size}) => Math.abs(size)), 1e-9)
    const list = element("ul", "bars")
    list.append(...bars.map(({text, size}) => {
      const row = element("li")
      const track = element("span", "track")
      const bar = element("span", `bar ${size > 0 ? "up" : "down"}`)
      bar.style.width = `${(Math.abs(size) / largest) * 50}%`
      track.append(bar)
      row.append(element("span", "text", text), track)
      return row
    }))
    box.append(list)
  }
  box.append(...(lines ?? []).map((line) => element("p", "", line)))
  return box
}

export function render({model, view}) {
  const desk = element("section", "sd-card sd-desk")
  const title = element("h2", "title"), description = element("p", "description")
  const form = element("form", "fields")
  form.onsubmit = (event) => event.preventDefault()
  const figures = element("dl", "figures")
  figures.setAttribute("aria-live", "polite")
  const lead = element("p", "lead"), parts = element("div", "parts")
  const message = element("p", "message"), note = element("p", "note")
  message.setAttribute("role", "status")
  const buttons = element("div", "buttons")
  desk.append(title, description, message, form, buttons, figures, lead, parts, note)
  const send = (what) => model.send_msg(what)

  let shape = "", controls = []
  const show_fields = () => {
    const wanted = JSON.stringify(model.fields.map(({name, kind}) => [name, kind]))
    if (wanted === shape) {
      model.fields.forEach((field, i) => controls[i].set(field))
      return
    }
    shape = wanted
    controls = model.fields.map((field) => (field.kind === "search" ? search : slider)(field, send))
    form.replaceChildren(...controls.map(({label}) => label))
  }
  const show = () => {
    title.textContent = model.title
    description.textContent = model.description
    desk.dataset.state = model.state
    desk.setAttribute("aria-label", model.title)
    view.el.style.gridColumn = "1 / -1"
    message.textContent = model.state === "loading" ? model.waiting : model.message
    note.textContent = model.note
    lead.textContent = model.lead
    figures.replaceChildren(...model.figures.map(figure_card))
    parts.replaceChildren(...model.sections.map(section))
    buttons.replaceChildren(...model.buttons.map(({label, kind}) => {
      const button = element("button", "", label)
      button.type = "button"
      button.onclick = () => send({kind})
      return button
    }))
  }
  show_fields()
  show()
  model.on("fields", show_fields)
  for (const name of ["title", "description", "state", "message", "waiting", "note", "lead", "figures", "sections", "buttons"])
    model.on(name, show)
  return desk
}
