const NARROW = 900
const TABS = [["tables", "Tables"], ["queries", "Queries"], ["history", "History"]]

function button(name, text, onclick) {
  const node = element("button", name, text)
  node.type = "button"
  node.onclick = onclick
  return node
}

export function render({model}) {
  const box = element("details", "sd-catalogue")
  box.open = window.innerWidth >= NARROW
  box.append(element("summary", "", "Tables, queries, history"))
  const tabs = element("div", "tabs")
  tabs.setAttribute("role", "tablist")
  const search = document.createElement("input")
  search.type = "search"
  search.className = "search"
  const list = element("div", "list")
  list.setAttribute("role", "tabpanel")
  box.append(tabs, search, list)
  let active = "tables"
  const opened = new Set()

  const has = (...texts) => {
    const wanted = search.value.trim().toLowerCase()
    return !wanted || texts.some((text) => text.toLowerCase().includes(wanted))
  }
  const insert = (name) => model.send_msg({kind: "insert", text: model.quoted[name] ?? name})

  const tables = () => model.tables.filter((t) => has(t.name, ...t.columns.map(([name]) => name))).map((table) => {
    const part = element("details", "table")
    const head = element("summary", "")
    head.append(
      button("name", table.name, (event) => { event.preventDefault(); insert(table.name) }),
      element("span", "count", table.broken ? "broken view" : table.rows === null ? "view" : table.rows.toLocaleString("en")),
    )
    if (table.broken) part.dataset.state = "error"
    head.firstChild.title = `Insert ${table.name}`
    part.append(head)
    part.open = opened.has(table.name) || (search.value.trim() !== "" && !has(table.name))
    const fill = () => {
      if (!part.open || part.querySelector("ul")) return
      const columns = element("ul", "")
      columns.append(...table.columns.map(([name, type]) => {
        const row = element("li", "")
        row.append(button("name", name, () => insert(name)), element("span", "count", type))
        return row
      }))
      part.append(table.broken ? element("p", "why", table.broken) : columns)
    }
    part.ontoggle = () => {
      if (part.open) opened.add(table.name)
      else opened.delete(table.name)
      fill()
    }
    fill()
    return part
  })
  const queries = () => {
    const groups = new Map()
    for (const query of model.queries) {
      if (!has(query.title, query.name)) continue
      if (!groups.has(query.purpose)) groups.set(query.purpose, [])
      groups.get(query.purpose).push(query)
    }
    return [...groups].map(([purpose, members]) => {
      const part = element("section", "group")
      part.append(element("h3", "", purpose), ...members.map((query) => {
        if (query.problem) {
          const lost = element("p", "item lost", `sql/${query.name}.sql cannot be offered.`)
          lost.append(element("span", "why", query.problem))
          return lost
        }
        const item = button("item", query.title, () => model.send_msg({kind: "query", name: query.name}))
        item.title = `sql/${query.name}.sql`
        return item
      }))
      return part
    })
  }
  const past = () => model.history.filter((entry) => has(entry.text)).map((entry) => {
    const item = button("item past", "", () => model.send_msg({kind: "history", key: entry.key}))
    item.dataset.state = entry.state
    item.append(element("code", "", entry.text), element("span", "facts", entry.facts))
    item.title = "Bring this query back into the editor"
    return item
  })
  const empty = {
    tables: "No table has that name.", queries: "No query has that name.",
    history: "Queries that you run in this session are listed here.",
  }
  const show = () => {
    tabs.replaceChildren(...TABS.map(([slug, title]) => {
      const tab = button("", title, () => { active = slug; search.value = ""; show(); tabs.querySelector(`[data-tab=${slug}]`).focus() })
      tab.dataset.tab = slug
      tab.setAttribute("role", "tab")
      tab.setAttribute("aria-selected", String(slug === active))
      tab.tabIndex = slug === active ? 0 : -1
      return tab
    }))
    search.placeholder = {tables: "Find a table or column", queries: "Find a query", history: "Find in the history"}[active]
    search.setAttribute("aria-label", search.placeholder)
    fill()
  }
  const fill = () => {
    const nodes = {tables, queries, history: past}[active]()
    const words = active === "tables" && !model.loaded ? "Reading the tables …" : model.problem || empty[active]
    list.replaceChildren(...(nodes.length ? nodes : [element("p", "empty", words)]))
  }
  tabs.onkeydown = (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key]
    if (!step) return
    const at = TABS.findIndex(([slug]) => slug === active)
    tabs.children[(at + step + TABS.length) % TABS.length].click()
  }
  search.oninput = fill
  show()
  for (const [name, slug] of [["tables", "tables"], ["loaded", "tables"], ["problem", "tables"], ["queries", "queries"],
    ["history", "history"]])
    model.on(name, () => { if (slug === active) fill() })
  return box
}
