function save(name, content, type) {
  const link = node("a", {href: URL.createObjectURL(new Blob([content], {type})), download: name})
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

export function render({model, view}) {
  const card = node("section", {class: "card", "aria-label": "Preview"})
  let active = 0

  const type_choice = (table, column) => {
    const kinds = [...new Set([column.type, ...column.alternatives, ...(column.fixed ? [] : model.state.kinds)])]
    return node("select", {
      "aria-label": `Type of ${column.name}`, "data-key": `${table.table}.${column.name}`,
      disabled: model.state.phase !== "ready",
      onchange: (event) => model.send_msg({kind: "type", table: table.table, column: column.name, type: event.target.value}),
    }, kinds.map((kind) => node("option", {value: kind, selected: kind === column.type}, kind)))
  }

  const bars = (shares) => node("span", {class: "bars", "aria-hidden": "true"},
    shares.map((share) => node("i", {style: `height: ${Math.max(4, share * 100)}%`})))

  const sheet = (table) => node("div", {class: "scroll", tabindex: "0", "aria-label": `First rows of ${table.table}`},
    node("table", {},
      node("thead", {}, node("tr", {}, table.columns.map((column) => node("th", {scope: "col", class: column.numeric ? "number" : ""},
        column.name, type_choice(table, column),
        node("small", {}, column.missing ? `${column.missing.toLocaleString("en")} missing` : "none missing"))))),
      node("tbody", {}, table.cells.map((row) => node("tr", {}, row.map((cell, i) => node("td",
        {class: `${cell === null ? "none" : ""} ${table.columns[i]?.numeric ? "number" : ""}`}, cell === null ? "–" : cell)))))))

  const profile = (table) => !table.profile?.length ? null : node("details", {},
    node("summary", {}, "Column profile"),
    node("div", {class: "scroll", tabindex: "0", "aria-label": "Column profile"},
      node("table", {"data-part": "profile"},
        node("thead", {}, node("tr", {}, ["Column", "Type", "Missing", "Distinct", "Distribution", "Least", "Greatest", "Examples"]
          .map((title, i) => node("th", {scope: "col", class: i === 2 || i === 3 ? "number" : ""}, title)))),
        node("tbody", {}, table.profile.map((row) => node("tr", {},
          node("td", {}, row.name), node("td", {}, row.type), node("td", {class: "number"}, row.missing),
          node("td", {class: "number"}, row.distinct), node("td", {}, bars(row.shares)),
          node("td", {}, row.least), node("td", {}, row.greatest), node("td", {class: "wrap"}, row.examples)))))))

  const problems = (state) => !state.problem_count ? null : node("div", {},
    node("div", {class: "row"},
      node("h3", {class: "grow"}, `${state.problem_count.toLocaleString("en")} ${state.problem_count === 1 ? "problem" : "problems"}: nothing can be loaded before they are mended`),
      node("button", {type: "button", class: "link", onclick: () => model.send_msg({kind: "problems"})}, "Download as CSV")),
    node("div", {class: "scroll", tabindex: "0", "aria-label": "Problems"},
      node("table", {"data-part": "problems"},
        node("thead", {}, node("tr", {}, ["File", "Line", "Column", "Problem", "What to do"].map((title) => node("th", {scope: "col"}, title)))),
        node("tbody", {}, state.problems.map((p) => node("tr", {},
          node("td", {}, p.file), node("td", {class: "number"}, p.line || ""), node("td", {}, p.column),
          node("td", {class: "wrap"}, p.reason), node("td", {class: "wrap"}, p.remedy)))))))

  const loading = (state) => {
    const single = state.tables.length === 1
    const existing = state.tables.filter((table) => state.exists.includes(table.table)).map((table) => table.table)
    const name = !single ? null : node("label", {class: "field"}, "Table name",
      node("input", {type: "text", value: state.tables[0].table, "data-key": "name", spellcheck: false,
        onchange: (event) => model.send_msg({kind: "name", name: event.target.value})}))
    const mode = !existing.length ? null : node("label", {class: "field"}, `${existing.join(", ")} ${existing.length > 1 ? "exist" : "exists"} already`,
      node("select", {"data-key": "mode", onchange: (event) => model.send_msg({kind: "mode", append: event.target.value === "append"})},
        node("option", {value: "replace", selected: !state.append}, "Replace the old rows"),
        node("option", {value: "append", selected: Boolean(state.append)}, "Add to the old rows")))
    const rows = state.tables.reduce((sum, table) => sum + table.rows, 0)
    const label = single ? `Load ${rows.toLocaleString("en")} rows` : `Load ${state.tables.length} tables`
    return node("div", {class: "row"}, name, mode, node("span", {class: "grow"}),
      node("button", {type: "button", class: "button", onclick: () => model.send_msg({kind: "discard"})}, "Discard"),
      node("button", {type: "button", class: "button primary", "data-act": "load", disabled: state.problem_count > 0,
        onclick: () => model.send_msg({kind: "load"})}, label))
  }

  const show = () => {
    const state = model.state
    const focused = card.getRootNode().activeElement?.dataset?.key
    view.el.style.display = state.phase === "empty" ? "none" : ""
    if (state.phase === "empty") { card.replaceChildren(); return }
    active = Math.min(active, Math.max(0, state.tables.length - 1))
    const table = state.tables[active]
    const busy = state.phase === "reading" || state.phase === "loading"
    card.replaceChildren(
      node("h2", {}, state.title),
      node("p", {class: "quiet"}, state.detail),
      busy ? node("div", {class: "row"}, node("progress", {class: "grow", max: 1, value: state.progress, "aria-label": state.title}),
        node("button", {type: "button", class: "button", "data-act": "cancel", onclick: () => model.send_msg({kind: "cancel"})}, "Cancel")) : "",
      state.message ? node("p", {class: "notice", "data-tone": state.tone, role: state.tone === "error" ? "alert" : "status"},
        node("span", {class: "grow"}, state.message),
        state.phase === "done" ? node("button", {type: "button", class: "link", onclick: () => model.send_msg({kind: "discard"})}, "Close")
          : busy || table ? "" : node("button", {type: "button", class: "link", onclick: () => model.send_msg({kind: "discard"})}, "Discard")) : "",
      problems(state) ?? "",
      state.phase !== "done" && state.tables.length > 1 ? node("div", {class: "chips", role: "group", "aria-label": "Tables"}, state.tables.map((other, i) =>
        node("button", {type: "button", class: "chip", "aria-pressed": String(i === active), onclick: () => { active = i; show() }},
          other.table, other.problem_count ? ` (${other.problem_count} problems)` : ""))) : "",
      table && state.phase !== "done" ? node("div", {},
        node("p", {class: "quiet row tight"}, `${table.source}: ${table.rows.toLocaleString("en")} rows, ${table.columns.length} columns. The first ${table.cells.length} are shown; types can be corrected above each column.`),
        table.notes.map((note) => node("p", {class: "notice", "data-tone": "warning"}, note)), sheet(table), profile(table)) : "",
      state.phase === "ready" && table ? loading(state) : "",
    )
    if (focused) card.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus()
  }
  show()
  model.on("state", show)
  model.on("msg:custom", (message) => {
    const data = message.data ?? message
    if (data.kind === "file") save(data.name, data.text, "text/csv;charset=utf-8")
  })
  return card
}
