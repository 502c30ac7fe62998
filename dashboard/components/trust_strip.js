export function render({model}) {
  const strip = document.createElement("section")
  strip.className = "sd-trust"
  strip.setAttribute("aria-label", "How far this prediction can be trusted")
  const badge = document.createElement("span")
  badge.className = "badge"
  const words = document.createElement("div")
  words.className = "words"
  const headline = document.createElement("p")
  headline.className = "headline"
  headline.setAttribute("role", "status")
  const detail = document.createElement("p")
  detail.className = "detail"
  const bar = document.createElement("div")
  bar.className = "bar"
  bar.setAttribute("role", "progressbar")
  const done = document.createElement("i")
  bar.append(done)
  words.append(headline, detail, bar)
  const actions = document.createElement("div")
  actions.className = "actions"
  const button = (label, kind, name) => {
    const node = document.createElement("button")
    node.type = "button"
    node.className = name
    node.textContent = label
    node.onclick = () => { node.disabled = true; model.send_msg({kind}) }
    return node
  }
  strip.append(badge, words, actions)

  const show = () => {
    badge.textContent = model.badge
    badge.hidden = !model.badge
    badge.dataset.tone = model.tone
    headline.textContent = model.headline
    detail.textContent = model.detail
    detail.hidden = !model.detail
    bar.hidden = model.progress < 0
    bar.setAttribute("aria-valuenow", Math.round(100 * Math.max(0, model.progress)))
    done.style.width = `${100 * Math.max(0, model.progress)}%`
  }
  const show_actions = () => {
    actions.replaceChildren(...model.actions.map(({label, kind}, i) => button(label, kind, i ? "" : "first")))
  }
  show()
  show_actions()
  for (const name of ["badge", "tone", "headline", "detail", "progress"]) model.on(name, show)
  model.on("actions", show_actions)
  return strip
}
