const WAIT_MS = 60

function control(input, value, send) {
  const label = node("label", {class: "field"}, input.name)
  if (input.kind === "choice") {
    const known = value === null || value === undefined || input.values.includes(value) ? input.values : [value, ...input.values]
    const select = node("select", {"data-input": input.name, onchange: () => send(input.name, select.value === "" ? null : select.value)},
      node("option", {value: ""}, "missing"), known.map((text) => node("option", {value: text}, text)))
    select.value = value ?? ""
    label.append(select)
  } else {
    const field = node("input", {type: input.kind, "data-input": input.name, placeholder: "missing", step: input.whole ? "1" : "any"})
    field.value = value ?? ""
    let last = 0, waiting = 0
    field.oninput = () => {
      clearTimeout(waiting)
      if (!field.checkValidity()) return
      const read = field.value === "" ? null : input.kind === "number" ? Number(field.value) : field.value
      const go = () => { last = performance.now(); send(input.name, read) }
      const left = last + WAIT_MS - performance.now()
      if (left <= 0) go()
      else waiting = setTimeout(go, left)
    }
    label.append(field, node("small", {}, input.range ?? ""))
  }
  return label
}

export function render({model}) {
  const card = node("section", {class: "card", "aria-label": "What if"})
  const fields = node("form", {class: "fields", onsubmit: (event) => event.preventDefault()})
  const lead = node("p", {class: "quiet"}), reset = node("button", {type: "button", class: "button", onclick: () => model.send_msg({kind: "reset"})}, "Back to the row as it is")
  const score = node("b", {"data-part": "score"}), interval = node("span", {"data-part": "interval"}), before = node("span", {class: "quiet"})
  const answer = node("div", {class: "answer", role: "status"}, score, interval, before)
  const warnings = node("div"), reasons = node("ul", {class: "parts", "aria-label": "Reasons"}), meaning = node("p", {class: "row tight quiet"})
  card.append(node("h2", {}, "What if"), lead, fields, node("div", {class: "row"}, reset), answer, warnings, reasons, meaning)
  let shape = null
  const send = (name, value) => model.send_msg({kind: "set", name, value})
  const show = () => {
    const state = model.state
    lead.textContent = state.lead ?? ""
    if (state.shape !== shape) {
      shape = state.shape
      fields.replaceChildren(...(state.inputs ?? []).map((input) => control(input, state.values[input.name], send)))
    }
    score.textContent = state.score ?? ""
    interval.textContent = state.interval ?? ""
    before.textContent = state.before ?? ""
    meaning.textContent = state.meaning ?? ""
    warnings.replaceChildren(...(state.outside?.length ? [node("p", {class: "notice", "data-tone": "warning", role: "status"},
      `Outside what the model has seen, so this is a guess. ${state.outside.join(" ")}`)] : []))
    const largest = Math.max(...(state.reasons ?? []).map(({size}) => Math.abs(size)), 1e-12)
    reasons.replaceChildren(...(state.reasons ?? []).map(({text, size}) => {
      const bar = node("span", {class: `bar ${size > 0 ? "up" : "down"}`})
      bar.style.width = `${(Math.abs(size) / largest) * 50}%`
      return node("li", {}, node("span", {class: "text"}, text), node("span", {class: "track"}, bar))
    }))
  }
  show()
  model.on("state", show)
  return card
}
