const AT_ONCE = 6
const PAUSED = "Paused. It goes on as soon as this page is used."
const USES = ["pointerdown", "pointermove", "keydown", "wheel", "scroll", "focus"]

function make(tag, name, text = "") {
  const node = document.createElement(tag)
  if (name) node.className = name
  node.textContent = text
  return node
}

function button(label, onclick) {
  const node = make("button", "text-button", label)
  node.type = "button"
  node.onclick = onclick
  return node
}

const safe = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")
const plain = (query) => String(new URLSearchParams(query)).replaceAll("%2C", ",").replaceAll("%3A", ":")

function copied(node, content) {
  navigator.clipboard.writeText(content).then(() => {
    const label = node.textContent
    node.textContent = "Copied"
    setTimeout(() => { node.textContent = label }, 1500)
  })
}

export function render({model}) {
  const base = new URL(".", location.href).href
  const box = make("div", "gallery")
  const top = make("div", "top")
  const search = document.createElement("input")
  search.type = "search"
  search.placeholder = "Search views"
  search.setAttribute("aria-label", "Search views")
  const count = make("span", "count")
  count.setAttribute("role", "status")
  top.append(search, count)
  const about = make("p", "about")
  const dialog = document.createElement("dialog")
  const sections = make("div", "sections")
  box.append(top, about, sections, dialog)
  const shown = [] // {slug, since, until} of live previews, the newest last
  let drawn = 0
  const stages = new Map()
  const visible = new Set()
  let opened = null

  const query_for = (view) => {
    const query = {...model.query}
    if (view.page !== "customer" || !query.id) delete query.id
    return query
  }
  const address = (view, options = {}) => {
    const query = {...query_for(view), ...options.query}
    const token = options.token ?? ""
    const asked = plain(token ? {...query, signed: "1"} : query)
    return `${base}embed/${view.slug}${asked ? `?${asked}` : ""}${token ? `#token=${token}` : ""}`
  }
  const unload = (slug, told = "Preview") => {
    stages.get(slug)?.replaceChildren(make("span", "waiting", told))
    const at = shown.findIndex((one) => one.slug === slug)
    if (at >= 0) shown.splice(at, 1)
  }
  const show = (view, token = "", until = Infinity) => {
    const frame = document.createElement("iframe")
    frame.title = `Preview of ${view.title}`
    frame.style.colorScheme = model.dark ? "dark" : "light" // else it hides what is behind it
    frame.src = address(view, {query: {theme: model.dark ? "dark" : "light"}, token})
    stages.get(view.slug).replaceChildren(frame)
    const one = shown.find(({slug}) => slug === view.slug)
    if (one) Object.assign(one, {until})
  }
  const load = (view) => {
    if (model.mode === "off" || shown.some(({slug}) => slug === view.slug)) return
    while (shown.length >= AT_ONCE) unload((shown.find(({slug}) => !visible.has(slug)) ?? shown[0]).slug)
    shown.push({slug: view.slug, since: performance.now(), until: Infinity})
    if (model.mode === "signed") model.send_msg({kind: "preview", view: view.slug, at: drawn})
    else show(view)
  }
  const load_visible = () => {
    for (const view of model.views.filter((known) => visible.has(known.slug)).slice(0, AT_ONCE)) load(view)
  }
  // A preview ends some minutes after it was loaded, unless somebody used the page meanwhile.
  let used = performance.now()
  let paused = false
  const renew = () => {
    const now = performance.now()
    for (const {slug, since, until} of [...shown]) {
      if (until === Infinity || now < until - (until - since) / 5) continue
      const goes_on = visible.has(slug) && used > since && !document.hidden
      if (goes_on) {
        shown.splice(shown.findIndex((one) => one.slug === slug), 1) // stays to be seen until the next is there
        load(model.views.find((view) => view.slug === slug))
      } else {
        unload(slug, PAUSED)
        paused = true
      }
    }
  }
  const clock = setInterval(renew, 1000)
  const use = () => {
    used = performance.now()
    if (!paused) return
    paused = false
    load_visible()
  }
  for (const name of USES) window.addEventListener(name, use, {passive: true, capture: true})
  // Only what can be seen is alive, and at most six at a time: each preview is a session of the server.
  const watcher = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) {
      const slug = target.dataset.slug
      visible[isIntersecting ? "add" : "delete"](slug)
    }
    load_visible()
  }, {rootMargin: "80px"})

  const open = (view, token = "", problem = "") => {
    opened = view
    const heading = make("div", "row")
    heading.append(make("h3", "", `Embed “${view.title}”`), button("Close", () => dialog.close()))
    const themes = document.createElement("select")
    for (const [value, label] of [["auto", "as the page"], ["light", "light"], ["dark", "dark"]])
      themes.append(new Option(label, value))
    const label = make("label", "", "Theme ")
    label.append(themes)
    const options = make("div", "row options")
    options.append(label)
    const hours = document.createElement("input")
    hours.className = "hours"
    hours.type = "number"
    hours.min = "1"
    hours.max = "8760"
    hours.value = "24"
    if (model.may_issue) {
      const good = make("label", "", "Hours ")
      good.append(hours)
      options.append(good, button("Issue a token", () => {
        model.send_msg({kind: "token", view: view.slug, hours: Number(hours.value)})
      }))
    }
    const script = make("pre"), frame = make("pre")
    script.tabIndex = frame.tabIndex = 0
    const fill = () => {
      const query = query_for(view)
      const given = token ? {} : query
      const theme = themes.value === "auto" ? {} : {theme: themes.value}
      const needed = model.mode === "signed" && !token ? "TOKEN FROM YOUR SERVER" : token
      const attributes = Object.entries({...given, ...theme, ...(needed ? {token: needed} : {})})
        .map(([key, value]) => ` ${key === "id" ? "customer-id" : key.replaceAll("_", "-")}="${safe(value)}"`).join("")
      script.textContent =
        `<script src="${safe(base)}embed.js" async></script>\n<sales-view view="${view.slug}"${attributes}></sales-view>`
      const asked = plain({...given, ...theme, ...(needed ? {signed: "1"} : {})})
      const source = `${base}embed/${view.slug}${asked ? `?${asked}` : ""}${needed ? `#token=${needed}` : ""}`
      frame.textContent = `<iframe src="${safe(source)}" title="${safe(view.title)}" width="100%" ` +
        `height="${view.height}" style="border: 0" loading="lazy"></iframe>`
    }
    themes.onchange = fill
    fill()
    const part = (caption, code) => {
      const row = make("div", "row")
      const copy = button("Copy", () => copied(copy, code.textContent))
      row.append(make("span", "description", caption), copy)
      return [row, code]
    }
    const said = make("p", "problem", problem)
    said.setAttribute("role", "alert")
    const fixed = token ? `This token fixes: ${model.told || "nothing"}. Whoever has it can see that until it expires.`
      : model.mode === "signed" ? "Views are shown with a token only. Your server issues one for each reader, or an admin here."
        : `With the filters set now: ${model.told || "none"}.`
    dialog.replaceChildren(heading, make("p", "description", fixed), options, said,
      ...part("Script: takes the height of the view, follows its attributes", script),
      ...part("Iframe: for sites that allow no scripts", frame))
    if (!dialog.open) dialog.showModal()
  }

  const draw = () => {
    watcher.disconnect()
    drawn += 1
    shown.length = 0
    stages.clear()
    visible.clear()
    about.textContent = model.mode === "off" ? "Embedding is switched off (SALES_EMBED=off)."
      : `Each of these views can stand in another site. ${model.origins} ` +
        (model.mode === "signed" ? "Views are shown with a signed token only." : "No token is needed on this computer.")
    const pages = new Map()
    for (const view of model.views) pages.set(view.page_title, [...(pages.get(view.page_title) ?? []), view])
    sections.replaceChildren(...[...pages].map(([title, views]) => {
      const section = document.createElement("section")
      const grid = make("div", "grid")
      grid.append(...views.map((view) => {
        const card = make("article", "view")
        card.dataset.slug = view.slug
        card.dataset.words = `${view.title} ${view.description} ${view.slug} ${title}`.toLowerCase()
        const stage = make("div", "stage")
        stage.append(make("span", "waiting", "Preview"))
        stages.set(view.slug, stage)
        const buttons = make("div", "buttons")
        buttons.append(button("Embed …", () => open(view)), button("Open alone", () => {
          if (model.mode === "signed") model.send_msg({kind: "preview", view: view.slug, alone: true})
          else window.open(address(view), "_blank", "noopener")
        }))
        card.append(make("h3", "", view.title), make("p", "description", view.description), make("code", "slug", view.slug),
          stage, buttons)
        watcher.observe(card)
        return card
      }))
      section.append(make("h2", "", title), grid)
      return section
    }))
    filter()
  }
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    let found = 0
    for (const card of sections.querySelectorAll(".view")) {
      card.hidden = !words.every((word) => card.dataset.words.includes(word))
      if (card.hidden) unload(card.dataset.slug)
      else found += 1
    }
    for (const section of sections.children) section.hidden = !section.querySelector(".view:not([hidden])")
    count.textContent = `${found} view${found === 1 ? "" : "s"}`
  }
  search.oninput = filter
  for (const name of ["views", "query", "mode", "dark"]) model.on(name, draw)
  model.on("msg:custom", (answer) => {
    const data = answer.data ?? answer
    const view = model.views.find(({slug}) => slug === data.view)
    if (data.kind === "token" && opened?.slug === data.view) open(opened, data.token, data.problem)
    if (data.kind !== "preview" || !view) return
    if (data.alone) {
      if (data.token) window.open(address(view, {token: data.token}), "_blank", "noopener")
    } else if (data.at !== drawn || !shown.some(({slug}) => slug === data.view)) return
    else if (data.problem) stages.get(data.view).replaceChildren(make("span", "waiting", data.problem))
    else show(view, data.token, performance.now() + data.seconds * 1000)
  })
  model.on("remove", () => {
    watcher.disconnect()
    clearInterval(clock)
    for (const name of USES) window.removeEventListener(name, use, {capture: true})
  })
  draw()
  return box
}
