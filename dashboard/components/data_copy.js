export function render({model}) {
  const card = node("section", {class: "card", "aria-label": "Copy"})
  const left = new Set()  // tables that stay behind
  const address = node("input", {
    type: "text", spellcheck: false, autocomplete: "off", "aria-label": "Address to copy to",
    placeholder: "postgresql://user@host:5432/company",
  })
  const password = node("input", {type: "password", autocomplete: "new-password", "aria-label": "Password"})
  const replace = node("input", {type: "checkbox"})
  const head = node("div", {})
  const test = node("button", {type: "button", class: "button", "data-act": "test"}, "Test connection")
  const copy = node("button", {type: "submit", class: "button primary", "data-act": "copy"}, "Copy")
  const list = node("div", {class: "picks"})
  const summary = node("summary", {})
  const tables = node("details", {}, summary, list)
  const status = node("div", {})
  const chosen = () => (model.state.tables ?? []).map((table) => table.name).filter((name) => !left.has(name))
  const where = () => ({address: address.value.trim(), password: password.value})

  test.onclick = () => model.send_msg({kind: "test", ...where()})
  const form = node("form", {novalidate: true, onsubmit: (event) => {
    event.preventDefault()
    if (copy.disabled) return
    const tables = left.size ? chosen() : []
    model.send_msg({kind: "copy", ...where(), tables, replace: replace.checked})
  }},
    node("div", {class: "fields"},
      node("label", {class: "field wide"}, "Address", address),
      node("label", {class: "field"}, "Password", password)),
    node("p", {class: "quiet row tight"},
      "A file (sqlite:////data/copy.sqlite, duckdb:////data/copy.duckdb), a folder (parquet:////data/copy) or a server. ",
      "Passwords are used once and not kept."),
    tables,
    node("label", {class: "row check"}, replace, "Replace tables of the same names"),
    node("div", {class: "row"}, copy, test))
  card.append(head, form, status)

  const enable = () => {
    const busy = model.state.phase !== "idle"
    for (const part of [address, password, replace, ...list.querySelectorAll("input")]) part.disabled = busy
    test.disabled = busy || !address.value.trim()
    copy.disabled = busy || !address.value.trim() || !chosen().length
  }
  address.oninput = enable

  let shown = ""
  const pick = () => {
    const all = model.state.tables ?? []
    summary.textContent = left.size ? `${chosen().length} of ${all.length} tables` : `All tables (${all.length})`
  }
  const show_tables = () => {
    const all = model.state.tables ?? []
    const key = JSON.stringify(all)
    if (key === shown) return
    shown = key
    for (const name of [...left]) if (!all.some((table) => table.name === name)) left.delete(name)
    list.replaceChildren(...all.map((table) => node("label", {class: "check"},
      node("input", {type: "checkbox", checked: !left.has(table.name), onchange: (event) => {
        if (event.target.checked) left.delete(table.name)
        else left.add(table.name)
        pick()
        enable()
      }}), node("span", {class: "name"}, table.name), node("span", {class: "quiet"}, table.rows))))
    pick()
  }

  const doing = node("span", {class: "doing", role: "status"})
  const bar = node("progress", {max: 1, "aria-label": "Copied"})
  const cancel = node("button", {type: "button", class: "button", "data-act": "cancel",
    onclick: () => model.send_msg({kind: "cancel"})}, "Cancel")
  const under_way = node("div", {}, bar, node("div", {class: "row tight"}, doing, cancel))
  bar.style.marginTop = "16px"

  const result = (state) => [
    state.message ? node("p", {class: "notice", "data-tone": state.tone, role: state.tone === "error" ? "alert" : "status"}, state.message) : "",
    (state.notes ?? []).length ? node("ul", {class: "findings"}, state.notes.map((note) => node("li", {class: "finding"}, note))) : "",
    (state.result ?? []).length ? node("div", {class: "scroll", tabindex: "0", "aria-label": "Copied tables"}, node("table", {"data-part": "copied"},
      node("thead", {}, node("tr", {}, ["Table", "Rows", "Checksum, the same on both sides", "Time"].map((title, i) =>
        node("th", {scope: "col", class: ["", "number", "spare", "number"][i]}, title)))),
      node("tbody", {}, state.result.map((row) => node("tr", {}, node("td", {}, row.name), node("td", {class: "number"}, row.rows),
        node("td", {class: "spare"}, node("code", {}, row.checksum)), node("td", {class: "number"}, row.seconds)))))) : "",
  ]

  const show = () => {
    const state = model.state
    head.replaceChildren(node("h2", {}, state.title ?? ""), node("p", {class: "quiet"}, state.detail ?? ""))
    show_tables()
    if (state.phase === "copying") {
      bar.value = state.progress ?? 0
      doing.textContent = state.doing ?? ""
      if (!under_way.isConnected) status.replaceChildren(under_way)
    } else if (state.phase === "testing") {
      status.replaceChildren(node("p", {class: "notice", role: "status"}, "Connecting …"))
    } else {
      status.replaceChildren(...result(state).filter((part) => part !== ""))
    }
    enable()
  }
  show()
  model.on("state", show)
  model.on("msg:custom", (message) => {
    if ((message.data ?? message).kind === "forget") password.value = ""
  })
  return card
}
