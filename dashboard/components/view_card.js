const ICONS = {
  sql: '<path d="M9 8l-4 4 4 4M15 8l4 4-4 4"/>',
  rows: '<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>',
  full: '<path d="M5 9V5h4M15 5h4v4M19 15v4h-4M9 19H5v-4"/>',
}

function icon_button(kind, label, onclick) {
  const button = document.createElement("button")
  button.className = `action ${kind}`
  button.type = "button"
  button.title = label
  button.setAttribute("aria-label", label)
  button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[kind]}</svg>`
  button.onclick = onclick
  return button
}

function text(tag, name) {
  const node = document.createElement(tag)
  node.className = name
  return node
}

function save(name, content, type) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([content], {type}))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

export function render({model, view}) {
  const card = text("section", "sd-card")
  const head = text("header", "head")
  const words = text("div", "words")
  const title = text("h2", "title")
  const description = text("p", "description")
  words.append(title, description)
  const actions = text("div", "actions")
  const body = text("div", "body")
  const content = text("div", "content")
  const overlay = text("div", "overlay")
  overlay.setAttribute("role", "status")
  const note = text("p", "note")
  const dialog = document.createElement("dialog")
  dialog.className = "sql"

  actions.append(
    icon_button("sql", "Show the SQL behind this", () => model.send_msg({kind: "sql"})),
    icon_button("rows", "Download the rows (CSV)", () => model.send_msg({kind: "rows"})),
    icon_button("full", "Full screen", () => (
      document.fullscreenElement ? document.exitFullscreen() : card.requestFullscreen()
    )),
  )
  head.append(words, actions)
  body.append(content, overlay)
  card.append(head, body, note, dialog)

  content.append(model.get_child("content"))
  const show = () => {
    title.textContent = model.title
    description.textContent = model.description
    note.textContent = model.note
    card.setAttribute("aria-label", model.title)
    card.dataset.state = model.state
    body.style.setProperty("--height", `${model.body_height}px`)
    view.el.style.gridColumn = model.wide ? "1 / -1" : ""
    overlay.textContent = model.state === "loading" ? "" : model.message
    overlay.setAttribute("aria-label", model.state === "loading" ? "Loading" : model.message)
    actions.querySelector(".sql").hidden = model.sql_names.length === 0
  }
  show()
  for (const name of ["title", "description", "note", "state", "message", "body_height", "wide", "sql_names"])
    model.on(name, show)

  const refit = () => {
    actions.querySelector(".full").title = document.fullscreenElement ? "Leave full screen" : "Full screen"
    requestAnimationFrame(() => view.invalidate_layout())
  }
  document.addEventListener("fullscreenchange", refit)
  model.on("remove", () => document.removeEventListener("fullscreenchange", refit))

  const show_sql = (answer) => {
    const heading = text("div", "sql-head")
    const name = text("h3", "")
    name.textContent = `SQL behind “${model.title}”`
    const close = document.createElement("button")
    close.type = "button"
    close.className = "text-button"
    close.textContent = "Close"
    close.onclick = () => dialog.close()
    heading.append(name, close)
    const parts = answer.files.flatMap((file) => {
      const label = text("div", "sql-file")
      const caption = text("code", "")
      caption.textContent = `sql/${file.name}.sql`
      const copy = document.createElement("button")
      copy.type = "button"
      copy.className = "text-button"
      copy.textContent = "Copy"
      copy.onclick = async () => {
        await navigator.clipboard.writeText(file.text)
        copy.textContent = "Copied"
        setTimeout(() => { copy.textContent = "Copy" }, 1500)
      }
      label.append(caption, copy)
      const code = text("pre", "")
      code.tabIndex = 0
      code.textContent = file.text
      return [label, code]
    })
    const hint = text("p", "description")
    hint.textContent = answer.note
    dialog.replaceChildren(heading, hint, ...parts)
    dialog.showModal()
  }
  model.on("msg:custom", (answer) => {
    const data = answer.data ?? answer
    if (data.kind === "sql") show_sql(data)
    if (data.kind === "rows") save(data.name, data.text, "text/csv;charset=utf-8")
  })
  return card
}
