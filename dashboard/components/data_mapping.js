function save(name, content, type) {
  const link = node("a", {href: URL.createObjectURL(new Blob([content], {type})), download: name})
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

export function render({model}) {
  const card = node("section", {class: "card", "aria-label": "Mapping"})
  let entity = "sales", sql_open = false, history_open = false

  const choice = (label, key, chosen, options, changed, required) => node("label", {class: "field"}, label + (required ? " *" : ""),
    node("select", {"data-key": key, disabled: Boolean(model.state.busy), onchange: (event) => changed(event.target.value)},
      options.map(([value, text]) => node("option", {value, selected: value === chosen}, text))))

  const chips = (state) => node("div", {class: "chips", role: "tablist", "aria-label": "What is mapped"}, state.entities.map((each) =>
    node("button", {type: "button", class: "chip", role: "tab", "aria-selected": String(each.name === entity), "data-key": `entity-${each.name}`,
      onclick: () => { entity = each.name; show() }}, each.title, each.table ? node("span", {class: "mark", "aria-label": "mapped"}, "✓") : "")))

  const form = (state) => {
    const each = state.entities.find((other) => other.name === entity)
    const tables = [["", "not mapped"], ...state.tables.map((name) => [name, name])]
    return node("div", {class: "fields", role: "tabpanel"},
      choice("Table", `${entity}-table`, each.table, tables, (table) => model.send_msg({kind: "table", entity, table})),
      !each.table ? null : each.fields.map((field) => choice(field.title, `${entity}-${field.name}`, field.column,
        [["", "–"], ...field.options.map((option) => [option.name, `${option.name} (${option.kind})`])],
        (column) => model.send_msg({kind: "column", entity, field: field.name, column}), field.required)))
  }

  const counts = (state) => !state.counts?.length ? null : node("dl", {class: "facts", "aria-label": "What this mapping gives"},
    state.counts.map((fact) => node("div", {}, node("dt", {}, fact.label), node("dd", {"data-count": fact.key}, fact.value))))

  const findings = (state) => !state.findings?.length ? null : node("ul", {class: "findings"}, state.findings.map((each) =>
    node("li", {class: "finding", "data-tone": each.severity}, node("b", {}, {error: "Wrong: ", warning: "Note: ", info: ""}[each.severity]),
      each.message, each.remedy ? ` ${each.remedy}` : "")))

  const sql = (state) => {
    const names = Object.keys(state.sql ?? {})
    if (!names.length) return null
    const text = names.map((name) => `-- view: ${name}\n${state.sql[name]}`).join("\n")
    const copy = node("button", {type: "button", class: "link", onclick: async () => {
      await navigator.clipboard.writeText(text)
      copy.textContent = "Copied"
      setTimeout(() => { copy.textContent = "Copy" }, 1500)
    }}, "Copy")
    return node("details", {open: sql_open, ontoggle: (event) => { sql_open = event.target.open }},
      node("summary", {}, `SQL of ${names.length} views`),
      node("div", {class: "row tight"}, copy, node("button", {type: "button", class: "link",
        onclick: () => save("staging.sql", text, "application/sql")}, "Download")),
      node("pre", {tabindex: "0", "aria-label": "SQL of the views"}, text))
  }

  const history = (state) => !state.history?.length ? null : node("details", {open: history_open, ontoggle: (event) => { history_open = event.target.open }},
    node("summary", {}, "Earlier mappings"),
    node("div", {class: "scroll"}, node("table", {},
      node("thead", {}, node("tr", {}, ["Stored (UTC)", "What", "Tables", ""].map((title) => node("th", {scope: "col"}, title)))),
      node("tbody", {}, state.history.map((each) => node("tr", {}, node("td", {}, each.at), node("td", {}, each.action), node("td", {}, each.tables),
        node("td", {class: "actions"}, each.restorable ? node("button", {type: "button", class: "link", disabled: Boolean(state.busy),
          "aria-label": `Restore the mapping of ${each.at}`, onclick: () => model.send_msg({kind: "restore", entry: each.entry})}, "Restore") : null)))))))

  const show = () => {
    const state = model.state
    const focused = card.getRootNode().activeElement?.dataset?.key
    const act = (kind, label, look, disabled) => node("button", {type: "button", class: `button ${look}`, "data-act": kind,
      disabled: Boolean(state.busy || disabled), onclick: () => model.send_msg({kind})}, label)
    if (!state.tables?.length) {
      card.replaceChildren(node("h2", {}, "Mapping"), node("p", {class: "quiet"}, state.empty ?? ""))
      return
    }
    const told = state.message ? node("div", {class: "notice", "data-tone": state.tone, role: state.tone === "error" ? "alert" : "status"},
      node("span", {class: "grow"}, state.message), state.next ? act(state.next.kind, state.next.label, "primary") : null) : ""
    card.replaceChildren(
      node("h2", {}, "Mapping"),
      node("p", {class: "quiet"}, "Say which columns are customers, dates and amounts. One flat table of order lines is enough; a mapped amount wins over quantity × unit price."),
      node("p", {class: "row tight", "data-part": "current"}, state.current ?? ""),
      chips(state), form(state), counts(state) ?? "", findings(state) ?? "",
      node("div", {class: "row"}, state.checking ? node("span", {class: "quiet", role: "status"}, "Counting …") : "", node("span", {class: "grow"}),
        state.removable ? act("remove", "Remove mapping", "") : null,
        act("store", "Use this mapping", "primary", !state.storable)),
      told, sql(state) ?? "", history(state) ?? "",
    )
    if (focused) card.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus()
  }
  show()
  model.on("state", show)
  return card
}
