const TABS = [["table", "Result"], ["chart", "Chart"], ["explorer", "Explorer"], ["plan", "Plan"]]
const FORMATS = [["csv", "CSV"], ["parquet", "Parquet"], ["xlsx", "Excel"]]

function button(name, text, title, onclick) {
  const node = element("button", name, text)
  node.type = "button"
  node.title = title
  node.onclick = onclick
  return node
}

/** Collects the parts of a file that the server sends one by one and saves it when the last has come. */
function receiver(model, told) {
  let parts = []
  return (data) => {
    if (data.kind === "refused") {
      parts = []
      told(data.message, true)
      return
    }
    if (data.first) parts = []
    parts.push(data.part)
    if (!data.last) {
      told(`Preparing ${data.name} … ${Math.round(data.done * 100)} %`)
      model.send_msg({kind: "part"})
      return
    }
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob(parts, {type: data.type}))
    link.download = data.name
    link.click()
    parts = []
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    told(`${data.name} was saved.`)
  }
}

export function render({model}) {
  const card = element("section", "sd-result")
  card.setAttribute("aria-label", "Result")
  const head = element("header", "head")
  const tabs = element("div", "tabs")
  tabs.setAttribute("role", "tablist")
  const facts = element("p", "facts")
  const exports_box = element("div", "exports")
  const remark = element("p", "remark")
  remark.setAttribute("role", "status")
  const body = element("div", "body")
  const places = {table: element("div", "place"), chart: element("div", "place"), explorer: element("div", "place explorer"),
    plan: element("div", "place plan")}
  const overlay = element("div", "overlay")
  const plan = element("pre", "")
  plan.tabIndex = 0
  places.table.append(model.get_child("table"))
  const chart_note = element("p", "chart-note")
  chart_note.setAttribute("role", "status")
  places.chart.classList.add("chart")
  places.chart.append(model.get_child("chart"), chart_note)
  const explorer_note = element("p", "chart-note")
  explorer_note.setAttribute("role", "status")
  places.explorer.append(explorer_note, model.get_child("explorer"))
  places.plan.append(plan)
  body.append(...Object.values(places), overlay)

  const jump = element("label", "jump", "Page")
  const number = document.createElement("input")
  number.type = "number"
  number.min = 1
  const of = element("span", "")
  jump.append(number, of)
  const turn = (page) => model.send_msg({kind: "turn", page: Math.max(0, Math.min(page, model.pages - 1))})
  number.onchange = () => turn(Number(number.value) - 1)
  places.table.addEventListener("keydown", (event) => {
    const to = {PageDown: model.page + 1, PageUp: model.page - 1, Home: 0, End: model.pages - 1}[event.key]
    if (to === undefined || event.target.closest?.("input")) return
    event.preventDefault()
    turn(to)
  })
  exports_box.append(element("span", "", "Save as"), ...FORMATS.map(([form, title]) => (
    button("plain", title, `Save all rows of the result as ${title}`, () => model.send_msg({kind: "export", form}))
  )))
  const told = element("span", "told")
  told.setAttribute("role", "status")
  const tell = (words, wrong = false) => {
    told.textContent = words
    told.dataset.wrong = wrong
  }
  const receive = receiver(model, tell)
  head.append(tabs, facts, jump, exports_box)
  card.append(head, remark, told, body)

  const show_tabs = () => {
    const had_focus = tabs.contains(tabs.getRootNode().activeElement)
    tabs.replaceChildren(...TABS.map(([slug, title]) => {
      const chosen = slug === model.active
      const tab = button("", title, "", () => { model.active = slug })
      tab.dataset.tab = slug
      tab.setAttribute("role", "tab")
      tab.setAttribute("aria-selected", String(chosen))
      tab.tabIndex = chosen ? 0 : -1
      return tab
    }))
    if (had_focus) tabs.querySelector('[aria-selected="true"]').focus()
    for (const [slug, place] of Object.entries(places)) place.hidden = slug !== model.active
    show()
  }
  tabs.onkeydown = (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key]
    if (!step) return
    const at = TABS.findIndex(([slug]) => slug === model.active)
    model.active = TABS[(at + step + TABS.length) % TABS.length][0]
  }
  const show = () => {
    const ready = model.state === "ready"
    card.dataset.state = model.state
    card.dataset.tab = model.active
    facts.textContent = model.facts
    remark.textContent = model.remark
    plan.textContent = model.plan
    chart_note.textContent = model.chart_note
    explorer_note.textContent = model.explorer_note
    const message = model.active === "plan" ? (model.plan ? "" : model.plan_message) : (ready ? "" : model.message)
    overlay.textContent = message
    overlay.hidden = message === ""
    places.table.classList.toggle("away", !ready)
    places.chart.classList.toggle("away", !ready)
    places.explorer.classList.toggle("away", !ready)
    exports_box.hidden = !ready
    jump.hidden = !ready || model.active !== "table" || model.pages < 2
    number.max = model.pages
    number.value = model.page + 1
    of.textContent = `of ${model.pages.toLocaleString("en")}`
    for (const save of exports_box.querySelectorAll("button")) save.disabled = model.exporting
  }
  show_tabs()
  model.on("active", show_tabs)
  for (const name of ["state", "message", "facts", "remark", "plan", "plan_message", "page", "pages", "exporting", "chart_note", "explorer_note"])
    model.on(name, show)
  model.on("facts", () => tell(""))
  model.on("msg:custom", (message) => receive(message.data ?? message))
  return card
}
