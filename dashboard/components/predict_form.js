export function render({model}) {
  const card = node("section", {class: "card", "aria-label": "What to predict"})
  let draft = model.state.query ?? "", given = draft, scrolled = 0
  const send = (message) => model.send_msg(message)

  const choice = (label, key, chosen, options, message, disabled, hint) => node("label", {class: "field"}, label,
    node("select", {"data-key": key, disabled, onchange: (event) => send({...message, value: event.target.value})},
      options.map(([value, text]) => node("option", {value, selected: value === chosen}, text))),
    hint ? node("small", {}, hint) : null)

  const source = (state, busy) => {
    const kinds = [["table", "A table or view"], ["query", "A query"]]
    const switcher = node("div", {class: "chips", role: "group", "aria-label": "Where the rows come from"}, kinds.map(([kind, text]) =>
      node("button", {type: "button", class: "chip", "aria-pressed": String(state.source === kind), disabled: busy, "data-key": `source-${kind}`,
        onclick: () => send({kind: "source", value: kind})}, text)))
    if (state.source === "query") {
      const area = node("textarea", {"data-key": "query", "aria-label": "Query", spellcheck: false, rows: 4, disabled: busy,
        placeholder: "SELECT … FROM …", oninput: (event) => { draft = event.target.value }})
      area.value = draft
      return [switcher, node("div", {class: "told"}, area, node("div", {class: "row tight"},
        node("button", {type: "button", class: "button", "data-act": "read", disabled: busy, onclick: () => send({kind: "query", value: draft})}, "Read the rows"),
        node("span", {class: "quiet"}, "One SELECT; it can only read.")))]
    }
    const tables = [["", "Choose …"], ...(state.tables ?? []).map((table) => [table.name, table.label])]
    return [switcher, node("div", {class: "fields"}, choice("Table or view", "table", state.table ?? "", tables, {kind: "table"}, busy))]
  }

  const columns = (state, busy) => node("details", {class: "columns", open: true},
    node("summary", {}, state.columns_title ?? "Columns"),
    node("div", {class: "row tight"},
      node("button", {type: "button", class: "link", disabled: busy, onclick: () => send({kind: "columns", value: "proposed"})}, "As proposed"),
      node("button", {type: "button", class: "link", disabled: busy, onclick: () => send({kind: "columns", value: "none"})}, "None")),
    node("div", {class: "scroll", tabindex: "0", "aria-label": "Columns", onscroll: (event) => { scrolled = event.target.scrollTop }}, node("table", {},
      node("thead", {}, node("tr", {}, ["Column", "Type", "Missing", "Different values", "Examples", "Remark"].map((title, i) =>
        node("th", {scope: "col", class: ["", "spare", "number", "number spare", "spare", ""][i]}, title)))),
      node("tbody", {}, state.columns.map((column) => node("tr", {"data-column": column.name},
        node("td", {}, node("label", {}, node("input", {type: "checkbox", "data-key": `column-${column.name}`, checked: column.chosen,
          disabled: busy || !column.usable, onchange: (event) => send({kind: "column", name: column.name, on: event.target.checked})}), column.name)),
        node("td", {class: "spare"}, column.type), node("td", {class: "number"}, column.missing), node("td", {class: "number spare"}, column.distinct),
        node("td", {class: "spare"}, column.examples), node("td", {class: "why"}, column.reason)))))))

  const work = (state) => !state.work ? null : node("div", {class: "row"},
    node("div", {class: "grow", role: "status"}, node("span", {}, state.work.what),
      node("progress", {max: 1, value: Math.max(0.02, state.work.fraction), "aria-label": "Progress"})),
    node("button", {type: "button", class: "button", "data-act": "cancel", onclick: () => send({kind: "cancel"})}, "Cancel"))

  const show = () => {
    const state = model.state, busy = Boolean(state.busy), root = card.getRootNode()
    const focused = root.activeElement?.dataset?.key
    if ((state.query ?? "") !== given) { given = state.query ?? ""; draft = given }
    const ready = Boolean(state.columns?.length)
    card.replaceChildren(
      node("h2", {}, "What to predict"),
      node("p", {class: "quiet"}, "Choose rows, the column to predict and what to predict it from. Rows are taken as they are: the as-of date and the filters above do not apply here."),
      ...source(state, busy),
      state.rows ? node("p", {class: "row tight quiet", "data-part": "rows"}, state.rows) : "",
      !ready ? "" : node("div", {class: "fields"},
        choice("Predict the column", "target", state.target, [["", "Choose …"], ...state.targets.map((name) => [name, name])], {kind: "target"}, busy, state.target_hint),
        !state.values?.length ? null : choice("Value to predict", "positive", state.positive, state.values, {kind: "positive"}, busy, "The probability of this value is predicted."),
        choice("Split by time", "date", state.date, [["", "no: test on rows drawn at random"], ...state.dates.map((name) => [name, `by ${name}: test on the latest rows`])], {kind: "date"}, busy,
          state.dates.length ? "By time is the honest test of a forecast." : "The rows have no date."),
        choice("Rows that belong together", "group", state.group, [["", "each row stands for itself"], ...state.groups.map((name) => [name, `rows with the same ${name}`])], {kind: "group"}, busy,
          "They are not divided between training and test.")),
      !ready ? "" : columns(state, busy),
      !ready ? "" : node("div", {class: "row"}, node("span", {class: "grow quiet"}, state.hint ?? ""),
        node("button", {type: "button", class: "button primary", "data-act": "train", disabled: busy || !state.trainable, onclick: () => send({kind: "train"})}, "Train")),
      work(state) ?? "",
      state.message ? node("p", {class: "notice", "data-tone": state.tone, role: state.tone === "error" ? "alert" : "status"}, state.message) : "",
    )
    const list = card.querySelector(".columns .scroll")
    if (list) list.scrollTop = scrolled
    if (focused) card.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true})
  }
  show()
  model.on("state", show)
  return card
}
