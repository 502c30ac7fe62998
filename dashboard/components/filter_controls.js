const SEARCH_FROM = 9

function date_field(label, onchange) {
  const box = element("label", "field")
  const input = document.createElement("input")
  input.type = "date"
  input.setAttribute("aria-label", label)
  box.append(element("span", "label", label), input)
  const usable = () => input.value === "" || ((!input.min || input.value >= input.min) && (!input.max || input.value <= input.max))
  input.addEventListener("change", () => { if (usable()) onchange() })
  input.addEventListener("blur", () => {
    if (usable()) return
    input.value = input.value < input.min ? input.min : input.max
    onchange()
  })
  return {box, input}
}

function choice_list(choice, send) {
  const details = document.createElement("details")
  details.dataset.dimension = choice.dimension
  const summary = document.createElement("summary")
  const chosen_text = element("span", "chosen")
  summary.append(element("span", "label", choice.label), chosen_text)
  const search = document.createElement("input")
  search.type = "search"
  search.placeholder = "Find …"
  search.setAttribute("aria-label", `Find in ${choice.label}`)
  const list = element("div", "options")
  list.setAttribute("role", "group")
  list.setAttribute("aria-label", choice.label)
  details.append(summary, search, list)
  let options = null
  const values = () => [...list.querySelectorAll("input:checked")].map((box) => box.value)
  search.oninput = () => {
    const wanted = search.value.trim().toLowerCase()
    for (const row of list.children) row.hidden = !row.textContent.toLowerCase().includes(wanted)
  }
  const update = (next) => {
    if (JSON.stringify(next.options) !== options) {
      options = JSON.stringify(next.options)
      search.hidden = next.options.length < SEARCH_FROM
      list.replaceChildren(...next.options.map((value) => {
        const row = element("label", "option")
        const box = document.createElement("input")
        box.type = "checkbox"
        box.value = value
        box.onchange = () => send({kind: "choice", dimension: next.dimension, values: values()})
        row.append(box, element("span", "", value))
        return row
      }))
    }
    for (const box of list.querySelectorAll("input")) box.checked = next.chosen.includes(box.value)
    chosen_text.textContent = next.chosen.length === 0 ? "All"
      : next.chosen.length === 1 ? next.chosen[0] : `${next.chosen.length} chosen`
  }
  return {details, update}
}

export function render({model}) {
  const form = element("form", "sd-controls")
  form.onsubmit = (event) => event.preventDefault()
  form.setAttribute("aria-label", "Filters")
  const send = (message) => model.send_msg(message)

  const period = element("fieldset", "period")
  period.append(element("legend", "", "Period (order date)"))
  const tell_period = () => send({kind: "period", first: from.input.value, last: to.input.value})
  const from = date_field("From", tell_period), to = date_field("To", tell_period)
  const pair = element("div", "pair")
  pair.append(from.box, to.box)
  period.append(pair)

  const lists = element("div", "lists")
  const built = new Map()

  const as_of = date_field("As-of date", () => send({kind: "as_of", value: as_of.input.value}))
  as_of.box.classList.add("as-of")
  as_of.box.title = "See what was known on this date: later rows are left out."
  const latest = element("button", "latest", "Latest")
  latest.type = "button"
  latest.title = "Back to the day after the last order"
  latest.onclick = () => send({kind: "as_of", value: ""})
  const as_of_row = element("div", "as-of-row")
  as_of_row.append(as_of.box, latest)
  form.append(period, lists, as_of_row)

  const show = () => {
    form.style.colorScheme = model.dark ? "dark" : "light"
    const [low, high] = model.bounds.length ? model.bounds : ["", ""]
    for (const field of [from, to]) Object.assign(field.input, {min: low, max: high})
    from.input.value = model.period[0] ?? ""
    to.input.value = model.period[1] ?? ""
    as_of.input.min = low
    as_of.input.max = model.newest
    as_of.input.value = model.as_of
    latest.hidden = !model.as_of || model.as_of === model.newest
    for (const choice of model.choices) {
      if (!built.has(choice.dimension)) {
        built.set(choice.dimension, choice_list(choice, send))
        lists.append(built.get(choice.dimension).details)
      }
      built.get(choice.dimension).update(choice)
    }
  }
  show()
  for (const name of ["period", "bounds", "choices", "as_of", "newest", "dark"]) model.on(name, show)
  return form
}
