const ICONS = {
  overview: '<path d="M4 13h7V4H4zM13 20h7v-9h-7zM4 20h7v-5H4zM13 4v5h7V4z"/>',
  explore: '<path d="M4 20V10M10 20V4M16 20v-8M21 20H3"/>',
  sql: '<path d="M8 8l-4 4 4 4M16 8l4 4-4 4M13.5 5l-3 14"/>',
  data: '<path d="M5 6c0-1.7 3.1-3 7-3s7 1.3 7 3-3.1 3-7 3-7-1.3-7-3zM5 6v12c0 1.7 3.1 3 7 3s7-1.3 7-3V6M5 12c0 1.7 3.1 3 7 3s7-1.3 7-3"/>',
}

export function render({model}) {
  const nav = document.createElement("nav")
  nav.className = "sd-nav"
  nav.setAttribute("aria-label", "Pages")
  const show = () => {
    nav.replaceChildren(...model.pages.map((page) => {
      const button = document.createElement("button")
      button.type = "button"
      button.dataset.page = page.slug
      if (page.slug === model.active) button.setAttribute("aria-current", "page")
      button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[page.slug] ?? ""}</svg>`
      button.append(page.title)
      button.onclick = () => model.send_msg({kind: "open", page: page.slug})
      return button
    }))
  }
  show()
  model.on("active", show)
  model.on("pages", show)
  return nav
}
