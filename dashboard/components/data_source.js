export function render({model}) {
  const card = node("section", {class: "card", "aria-label": "Database"})
  const show = () => {
    const state = model.state
    const act = (kind, label, look = "") => node("button", {
      type: "button", class: `button ${look}`, "data-act": kind, disabled: Boolean(state.busy),
      onclick: () => model.send_msg({kind}),
    }, label)
    card.replaceChildren(
      node("div", {class: "head"},
        node("div", {},
          node("h2", {}, state.title ?? "Database"),
          node("p", {class: "quiet"}, state.detail ?? ""),
        ),
        node("div", {class: "row tight"},
          state.offer ? act("switch", state.offer, "primary") : null,
          state.back ? act("back", state.back) : null,
          act("test", "Test connection"),
        ),
      ),
      state.explanation ? node("p", {class: "row tight"}, state.explanation) : "",
      state.command ? node("p", {class: "quiet"}, "After a restart, start it with: ", node("code", {}, state.command)) : "",
      state.health ? node("p", {class: "notice", "data-tone": state.health_tone, role: "status"}, state.health) : "",
    )
  }
  show()
  model.on("state", show)
  return card
}
