export function render({model}) {
  const card = node("section", {class: "card", "aria-label": "Tables"})
  const dialog = node("dialog", {})
  const content = node("div", {})
  card.append(content, dialog)

  const bars = (shares) => node("span", {class: "bars", "aria-hidden": "true"},
    shares.map((share) => node("i", {style: `height: ${Math.max(4, share * 100)}%`})))

  const ask = ({title, text, label, value, act, look, fits, confirm}) => {
    const input = node("input", {type: "text", value, spellcheck: false, autocomplete: "off", "aria-label": label})
    const go = node("button", {type: "submit", class: `button ${look}`}, act)
    const check = () => { go.disabled = !fits(input.value.trim()) }
    input.oninput = check
    const form = node("form", {onsubmit: (event) => {
      event.preventDefault()
      if (!fits(input.value.trim())) return
      dialog.close()
      confirm(input.value.trim())
    }},
      node("h2", {}, title), text.map((line) => node("p", {}, line)),
      node("label", {class: "field"}, label, input),
      node("div", {class: "row"}, node("button", {type: "button", class: "button", onclick: () => dialog.close()}, "Cancel"), go))
    dialog.setAttribute("aria-label", title)
    dialog.replaceChildren(form)
    check()
    dialog.showModal()
    input.select()
  }

  const rename = (table) => ask({
    title: `Rename ${table.name}`, text: ["Views and mappings that read it follow."], label: "New name", value: table.name,
    act: "Rename", look: "primary", fits: (name) => name !== "" && name !== table.name,
    confirm: (name) => model.send_msg({kind: "rename", table: table.name, name}),
  })
  const drop = (use) => ask({
    title: `Drop ${use.table}?`,
    text: [`${use.rows.toLocaleString("en")} rows are lost for good.`,
      use.views.length ? `Without it these views have no rows: ${use.views.join(", ")}.` : "",
      use.referred_by.length ? `These columns refer to it: ${use.referred_by.join("; ")}.` : ""].filter(Boolean),
    label: `Type ${use.table} to confirm`, value: "", act: "Drop table", look: "danger",
    fits: (name) => name === use.table,
    confirm: (name) => model.send_msg({kind: "drop", table: use.table, confirmed: name}),
  })
  const profile = (data) => {
    const head = ["Column", "Type", "Missing", "Distinct", "Distribution", "Least", "Greatest", "Examples"]
    dialog.setAttribute("aria-label", `Columns of ${data.table}`)
    dialog.replaceChildren(
      node("div", {class: "head"}, node("h2", {}, `Columns of ${data.table}`),
        node("button", {type: "button", class: "link", onclick: () => dialog.close()}, "Close")),
      node("div", {class: "scroll", tabindex: "0", "aria-label": "Column profile"}, node("table", {"data-part": "profile"},
        node("thead", {}, node("tr", {}, head.map((title, i) => node("th", {scope: "col", class: i === 2 || i === 3 ? "number" : ""}, title)))),
        node("tbody", {}, data.profile.map((row) => node("tr", {},
          node("td", {}, row.name), node("td", {}, row.type), node("td", {class: "number"}, row.missing),
          node("td", {class: "number"}, row.distinct), node("td", {}, bars(row.shares)),
          node("td", {}, row.least), node("td", {}, row.greatest), node("td", {class: "wrap"}, row.examples)))))))
    dialog.style.width = "min(1000px, 94vw)"
    dialog.showModal()
  }
  dialog.addEventListener("close", () => { dialog.style.width = "" })

  const show = () => {
    const state = model.state
    const act = (kind, label, table, look = "") => node("button", {
      type: "button", class: `link ${look}`, "aria-label": `${label} ${table.name}`, disabled: Boolean(state.busy),
      onclick: () => kind === "rename" ? rename(table) : model.send_msg({kind, table: table.name}),
    }, label)
    content.replaceChildren(
      node("h2", {}, state.title ?? "Tables"), node("p", {class: "quiet"}, state.detail ?? ""),
      state.message ? node("p", {class: "notice", "data-tone": state.tone, role: state.tone === "error" ? "alert" : "status"}, state.message) : "",
      state.tables?.length ? node("div", {class: "scroll", tabindex: "0", "aria-label": "Tables"}, node("table", {},
        node("thead", {}, node("tr", {}, ["Table", "Rows", "Columns", "Loaded", "From", ""].map((title, i) =>
          node("th", {scope: "col", class: ["", "number", "number spare", "spare", "spare", ""][i]}, title)))),
        node("tbody", {}, state.tables.map((table) => node("tr", {"data-table": table.name},
          node("td", {}, table.name), node("td", {class: "number"}, table.rows), node("td", {class: "number spare"}, String(table.columns)),
          node("td", {class: "spare"}, table.loaded), node("td", {class: "spare"}, table.source),
          node("td", {class: "actions"}, act("profile", "Profile", table),
            state.changeable ? [act("rename", "Rename", table), act("use", "Drop", table, "danger")] : null))))))
        : node("p", {class: "row quiet"}, state.empty ?? ""),
    )
  }
  show()
  model.on("state", show)
  model.on("msg:custom", (message) => {
    const data = message.data ?? message
    if (data.kind === "use") drop(data)
    if (data.kind === "profile") profile(data)
  })
  return card
}
