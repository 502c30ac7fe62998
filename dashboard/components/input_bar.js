function control(field, send) {
  const label = element("label", "field")
  const title = element("span", "label", field.label)
  label.append(title)
  if (field.kind === "select") {
    const select = element("select")
    for (const {value, text} of field.options) {
      const option = element("option", "", text)
      option.value = value
      select.append(option)
    }
    select.value = field.value
    select.onchange = () => send(field.name, select.value)
    label.append(select)
    return {label, set: (next) => { select.value = next.value; title.textContent = next.label }}
  }
  const input = element("input")
  input.type = field.kind === "range" ? "range" : "number"
  for (const name of ["min", "max", "step"]) if (field[name] !== undefined) input[name] = field[name]
  input.value = field.value
  const said = element("output", "said", field.text ?? "")
  let waiting = 0
  const tell = () => {
    clearTimeout(waiting)
    waiting = setTimeout(() => { if (input.value !== "") send(field.name, Number(input.value)) }, 120)
  }
  input.oninput = tell
  label.append(input)
  if (field.kind === "range") label.append(said)
  return {label, set: (next) => {
    for (const name of ["min", "max", "step"]) if (next[name] !== undefined) input[name] = next[name]
    if (document.activeElement !== input && input.getRootNode().activeElement !== input) input.value = next.value
    said.textContent = next.text ?? ""
    title.textContent = next.label
  }}
}

export function render({model}) {
  const bar = element("form", "sd-inputs")
  bar.onsubmit = (event) => event.preventDefault()
  let shape = "", controls = []
  const send = (name, value) => model.send_msg({kind: "set", name, value})
  const show = () => {
    const wanted = JSON.stringify(model.fields.map(({name, kind, options}) => [name, kind, options]))
    if (wanted === shape) {
      model.fields.forEach((field, i) => controls[i].set(field))
      return
    }
    shape = wanted
    controls = model.fields.map((field) => control(field, send))
    bar.replaceChildren(...controls.map(({label}) => label))
  }
  show()
  model.on("fields", show)
  return bar
}
