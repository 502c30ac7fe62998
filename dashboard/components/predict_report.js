export function render({model, view}) {
  const card = node("section", {class: "card", "aria-label": "How good it is"})
  const suspects = (state) => (state.suspects ?? []).map(({column, sentence}) => node("div", {class: "notice", "data-tone": "warning", role: "alert", "data-suspect": column},
    node("span", {class: "grow"}, node("b", {}, "Too good to be true? "), sentence),
    node("button", {type: "button", class: "button", disabled: Boolean(state.busy), onclick: () => model.send_msg({kind: "without", column})}, `Train without ${column}`)))

  const figures = (state) => node("div", {class: "scroll", tabindex: "0", "aria-label": "Figures on the test rows"},
    node("table", {class: "figure-table"},
      node("thead", {}, node("tr", {}, node("th", {scope: "col"}, "On the test rows"), state.models.map((name) => node("th", {scope: "col", class: "number"}, name)))),
      node("tbody", {}, state.figures.map((row) => node("tr", {"data-metric": row.metric},
        node("th", {scope: "row"}, row.metric, node("small", {}, row.hint)),
        row.cells.map((cell) => node("td", {class: `number ${cell.used ? "used" : ""}`}, cell.value, node("small", {}, cell.interval))))))))

  const show = () => {
    const state = model.state
    view.el.style.gridColumn = "1 / -1"
    card.replaceChildren(
      node("div", {class: "head"}, node("div", {}, node("h2", {}, state.title ?? ""), node("p", {class: "quiet"}, state.facts ?? "")),
        node("span", {class: "badge", "data-tone": state.tone}, state.badge ?? "")),
      ...suspects(state),
      node("p", {class: "verdict", "data-tone": state.better ? "good" : "warning", "data-part": "verdict"}, state.verdict ?? ""),
      node("p", {class: "told", "data-part": "choice"}, state.choice ?? ""),
      node("p", {class: "told", "data-part": "split"}, state.split ?? ""),
      state.figures ? figures(state) : "",
      node("p", {class: "row tight quiet"}, "Small print: 95 % intervals from 200 repeats in which test rows are drawn anew. Bold: the model that is used."),
      !state.left_out?.length ? "" : node("details", {}, node("summary", {}, `Left out: ${state.left_out.length} ${state.left_out.length === 1 ? "column" : "columns"}`),
        node("ul", {class: "findings"}, state.left_out.map(([column, reason]) => node("li", {class: "finding"}, node("b", {}, column), `: ${reason}`)))),
    )
  }
  show()
  model.on("state", show)
  return card
}
