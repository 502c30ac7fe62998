const ICONS = {
  sql: '<path d="M9 8l-4 4 4 4M15 8l4 4-4 4"/>',
  rows: '<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>',
  more: '<path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="3"/>',
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

const NARROWEST = 320

// What is drawn, with title and source, as a picture twice as fine as the screen.
function picture(box, title, lines, name) {
  const style = getComputedStyle(box)
  const frame = box.getBoundingClientRect()
  const found = canvases(box).filter((canvas) => canvas.width > 0 && canvas.getBoundingClientRect().width > 0)
  const width = Math.max(frame.width, NARROWEST), fine = 2
  const paper = document.createElement("canvas")
  const pen = paper.getContext("2d")
  const fold = (text, font) => {
    pen.font = font
    return text.split(" ").reduce((rows, word) => {
      const longer = `${rows.at(-1)} ${word}`.trim()
      if (pen.measureText(longer).width > width - 32 && rows.at(-1)) rows.push(word)
      else rows[rows.length - 1] = longer
      return rows
    }, [""])
  }
  const heading = fold(title, "700 14px Roboto, sans-serif")
  const small = lines.filter(Boolean).flatMap((line) => fold(line, "11px Roboto, sans-serif"))
  const top = 16 + heading.length * 20
  paper.width = width * fine
  paper.height = (top + frame.height + 12 + small.length * 16 + 8) * fine
  pen.scale(fine, fine)
  const surface = style.getPropertyValue("--surface").trim() || "#fff"
  pen.fillStyle = surface.startsWith("var(") ? "#fff" : surface
  pen.fillRect(0, 0, width, paper.height)
  pen.fillStyle = style.color
  pen.font = "700 14px Roboto, sans-serif"
  heading.forEach((row, i) => pen.fillText(row, 16, 24 + i * 20))
  for (const canvas of found) {
    const at = canvas.getBoundingClientRect()
    pen.drawImage(canvas, at.left - frame.left, top + at.top - frame.top, at.width, at.height)
  }
  pen.fillStyle = style.color
  pen.globalAlpha = 0.75
  pen.font = "11px Roboto, sans-serif"
  small.forEach((row, i) => pen.fillText(row, 16, top + frame.height + 20 + i * 16))
  paper.toBlob((blob) => save(name, blob, "image/png"))
}

function canvases(node) {
  const inner = [...(node.shadowRoot?.children ?? []), ...node.children].flatMap(canvases)
  return node instanceof HTMLCanvasElement ? [node, ...inner] : inner
}

// What is pasted into another site.
function snippets(slug, title, height, query) {
  const safe = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")
  const base = new URL(".", location.href).href
  const search = new URLSearchParams(query)
  const asked = String(search).replaceAll("%2C", ",").replaceAll("%3A", ":")
  const given = Object.entries(query)
    .map(([key, value]) => ` ${key === "id" ? "customer-id" : key.replaceAll("_", "-")}="${safe(value)}"`)
  return [
    ["Script: takes the height of the view, follows its attributes",
      `<script src="${safe(base)}embed.js" async></script>\n<sales-view view="${slug}"${given.join("")}></sales-view>`],
    ["Iframe: for sites that allow no scripts",
      `<iframe src="${safe(`${base}embed/${slug}${asked ? `?${asked}` : ""}`)}" title="${safe(title)}" ` +
      `width="100%" height="${height}" style="border: 0" loading="lazy"></iframe>`],
  ]
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
  const menu = text("div", "menu")
  menu.hidden = true
  menu.setAttribute("role", "menu")
  const entry = (label, kind, act) => {
    const button = document.createElement("button")
    button.type = "button"
    button.className = `entry ${kind}`
    button.setAttribute("role", "menuitem")
    button.textContent = label
    button.onclick = () => { close_menu(); act() }
    menu.append(button)
  }
  const close_menu = () => {
    menu.hidden = true
    document.removeEventListener("click", away)
    actions.querySelector(".more").setAttribute("aria-expanded", "false")
  }
  const away = (event) => { if (!event.composedPath().includes(actions)) close_menu() }
  const toggle_menu = () => {
    if (!menu.hidden) return close_menu()
    menu.querySelector(".picture").hidden = canvases(content).length === 0
    menu.querySelector(".embed").hidden = !model.slug
    menu.hidden = false
    actions.querySelector(".more").setAttribute("aria-expanded", "true")
    document.addEventListener("click", away)
    menu.querySelector(".entry:not([hidden])").focus()
  }
  entry("Save as picture (PNG)", "picture", () => model.send_msg({kind: "picture"}))
  entry("Save the rows (CSV)", "csv", () => model.send_msg({kind: "rows"}))
  entry("Embed in another site …", "embed", () => model.send_msg({kind: "embed"}))
  menu.onkeydown = (event) => {
    if (event.key === "Escape") { close_menu(); actions.querySelector(".more").focus() }
  }

  actions.append(
    icon_button("sql", "Show the SQL behind this", () => model.send_msg({kind: "sql"})),
    icon_button("rows", "Download the rows (CSV)", () => model.send_msg({kind: "rows"})),
    icon_button("full", "Full screen", () => (
      document.fullscreenElement ? document.exitFullscreen() : card.requestFullscreen()
    )),
    icon_button("more", "More: picture, rows, embed", toggle_menu),
    menu,
  )
  actions.querySelector(".more").setAttribute("aria-haspopup", "menu")
  actions.querySelector(".more").setAttribute("aria-expanded", "false")
  head.append(words, actions)
  body.append(content, overlay)
  card.append(head, body, note, dialog)

  content.append(model.get_child("content"))
  // A table says how many pixels it misses for all rows of its page: better a higher card than one that scrolls.
  content.addEventListener("sd-missing", (event) => {
    event.stopPropagation()
    if (event.detail === null) body.style.removeProperty("--needed")
    else if (!document.fullscreenElement) body.style.setProperty("--needed", `${body.offsetHeight + event.detail}px`)
  })
  const show = () => {
    title.textContent = model.title
    description.textContent = model.description
    note.textContent = model.note
    card.setAttribute("aria-label", model.title)
    card.dataset.state = model.state
    body.style.setProperty("--height", `${model.body_height}px`)
    view.el.style.gridColumn = model.wide ? "1 / -1" : ""
    card.classList.toggle("wide", model.wide)
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

  const show_dialog = (title, hint, texts) => {
    const heading = text("div", "sql-head")
    const name = text("h3", "")
    name.textContent = title
    const close = document.createElement("button")
    close.type = "button"
    close.className = "text-button"
    close.textContent = "Close"
    close.onclick = () => dialog.close()
    heading.append(name, close)
    const parts = texts.flatMap(([caption, content]) => {
      const label = text("div", "sql-file")
      const told = text("code", "")
      told.textContent = caption
      const copy = document.createElement("button")
      copy.type = "button"
      copy.className = "text-button"
      copy.textContent = "Copy"
      copy.onclick = async () => {
        await navigator.clipboard.writeText(content)
        copy.textContent = "Copied"
        setTimeout(() => { copy.textContent = "Copy" }, 1500)
      }
      label.append(told, copy)
      const code = text("pre", "")
      code.tabIndex = 0
      code.textContent = content
      return [label, code]
    })
    const said = text("p", "description")
    said.textContent = hint
    dialog.replaceChildren(heading, said, ...parts)
    dialog.showModal()
  }
  model.on("msg:custom", (answer) => {
    const data = answer.data ?? answer
    if (data.kind === "sql")
      show_dialog(`SQL behind “${model.title}”`, data.note, data.files.map((file) => [`sql/${file.name}.sql`, file.text]))
    if (data.kind === "embed")
      show_dialog(`Embed “${model.title}”`, "With the filters set now. The page Embed issues tokens where they are needed.",
        snippets(data.slug, model.title, model.body_height + 124, data.query))
    if (data.kind === "picture") picture(content, model.title, [model.note, data.source], data.name)
    if (data.kind === "refused") show_dialog("No file now", data.message, [])
    if (data.kind === "rows") save(data.name, data.text, "text/csv;charset=utf-8")
  })
  return card
}
