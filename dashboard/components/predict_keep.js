export function render({model, view}) {
  const card = node("section", {class: "card", "aria-label": "Keep and use"})
  const dialog = node("dialog"), content = node("div")
  card.append(content, dialog)
  let given = null, name = "", shape = "", keys = []
  const send = (message) => model.send_msg(message)

  const confirm = (state) => {
    const table = `scores_table_${name}`
    const form = node("form", {onsubmit: (event) => { event.preventDefault(); dialog.close(); send({kind: "write", name, keys}) }},
      node("h2", {}, `Write ${state.rows} rows into ${table}?`),
      node("p", {}, `Columns: ${[...keys, "score", "low", "high", "reasons", "model_version", "as_of"].join(", ")}.`),
      node("p", {class: "told"}, state.tables?.includes(table) ? "The table is there already: its rows are replaced." : "The table is new; your other tables stay as they are."),
      node("div", {class: "row"}, node("button", {type: "button", class: "button", onclick: () => dialog.close()}, "Cancel"),
        node("button", {type: "submit", class: "button primary"}, "Write the scores")))
    dialog.setAttribute("aria-label", `Write ${table}`)
    dialog.replaceChildren(form)
    dialog.showModal()
  }

  const keeping = (state, busy) => {
    const input = node("input", {type: "text", value: name, spellcheck: false, autocomplete: "off", "data-key": "name", maxlength: "40", disabled: busy,
      oninput: () => { name = input.value.trim(); told.textContent = `Scores go into scores_table_${name}.` }})
    const told = node("small", {}, `Scores go into scores_table_${name}.`)
    return [
      node("div", {class: "fields"}, node("label", {class: "field"}, "Name of the model", input, told)),
      node("fieldset", {}, node("legend", {}, "Key columns written beside the scores, to tell the rows"),
        node("div", {class: "keys"}, state.keys.map(({name: column}) => node("label", {}, node("input", {type: "checkbox", "data-key": `key-${column}`, checked: keys.includes(column), disabled: busy,
          onchange: (event) => { keys = state.keys.map((each) => each.name).filter((each) => each === column ? event.target.checked : keys.includes(each)) }}), column)))),
      node("div", {class: "row"},
        node("button", {type: "button", class: "button", "data-act": "keep", disabled: busy, onclick: () => send({kind: "keep", name})}, "Keep the model"),
        node("button", {type: "button", class: "button primary", "data-act": "write", disabled: busy, onclick: () => confirm(state)}, "Write the scores back …")),
    ]
  }

  const work = (state) => !state.work ? null : node("div", {class: "row"},
    node("div", {class: "grow", role: "status"}, node("span", {}, state.work.what),
      node("progress", {max: 1, value: Math.max(0.02, state.work.fraction), "aria-label": "Progress of writing"})),
    node("button", {type: "button", class: "button", onclick: () => send({kind: "cancel"})}, "Cancel"))

  const kept = (state, busy) => !state.models?.length ? node("p", {class: "row tight quiet"}, "No model of a table was kept yet.") :
    node("div", {class: "scroll", tabindex: "0", "aria-label": "Kept models"}, node("table", {},
      node("thead", {}, node("tr", {}, ["Name", "Predicts", "Quality", "Trained (UTC)", ""].map((title, i) => node("th", {scope: "col", class: i === 3 ? "spare" : ""}, title)))),
      node("tbody", {}, state.models.map((each) => node("tr", {"data-model": each.name}, node("td", {}, each.name), node("td", {class: "wrap"}, each.label),
        node("td", {class: "wrap"}, each.quality), node("td", {class: "spare"}, each.trained),
        node("td", {class: "actions"}, node("button", {type: "button", class: "link", disabled: busy, "aria-label": `Open ${each.name}`,
          onclick: () => send({kind: "open", name: each.name})}, "Open")))))))

  const show = () => {
    const state = model.state, busy = Boolean(state.busy), trained = Boolean(state.keys)
    view.el.style.gridColumn = "1 / -1"
    const focused = card.getRootNode().activeElement?.dataset?.key
    if (state.name !== given) { given = state.name; name = state.name ?? "" }
    const wanted = JSON.stringify(state.keys ?? [])
    if (wanted !== shape) { shape = wanted; keys = (state.keys ?? []).filter((each) => each.chosen).map((each) => each.name) }
    content.replaceChildren(
      node("h2", {}, trained ? "Keep it, write its scores back" : "Kept models"),
      !trained ? "" : node("p", {class: "quiet"}, state.lead ?? ""),
      ...(trained ? keeping(state, busy) : []),
      work(state) ?? "",
      state.message ? node("div", {class: "notice", "data-tone": state.tone, role: state.tone === "error" ? "alert" : "status"}, node("span", {class: "grow"}, state.message),
        state.query ? node("button", {type: "button", class: "button", "data-act": "sql", onclick: () => send({kind: "sql"})}, "Open it in SQL") : null) : "",
      trained ? node("h3", {}, "Kept models") : "",
      kept(state, busy),
    )
    if (focused) card.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true})
  }
  show()
  model.on("state", show)
  return card
}
