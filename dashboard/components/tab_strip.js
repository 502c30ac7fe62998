export function render({model}) {
  const strip = document.createElement("div")
  strip.className = "sd-tabs"
  strip.setAttribute("role", "tablist")
  const show = () => {
    const focused = strip.getRootNode().activeElement?.dataset?.tab
    strip.replaceChildren(...model.tabs.map((tab) => {
      const button = document.createElement("button")
      const chosen = tab.slug === model.active
      button.type = "button"
      button.dataset.tab = tab.slug
      button.textContent = tab.title
      button.title = tab.description ?? ""
      button.setAttribute("role", "tab")
      button.setAttribute("aria-selected", String(chosen))
      button.tabIndex = chosen ? 0 : -1
      button.onclick = () => { model.active = tab.slug }
      return button
    }))
    if (focused) strip.querySelector('[aria-selected="true"]')?.focus()
  }
  strip.onkeydown = (event) => {
    const count = model.tabs.length
    const at = model.tabs.findIndex((tab) => tab.slug === model.active)
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: count - 1}[event.key]
    if (to === undefined || !count) return
    event.preventDefault()
    model.active = model.tabs[(to + count) % count].slug
  }
  show()
  model.on("tabs", show)
  model.on("active", show)
  return strip
}
