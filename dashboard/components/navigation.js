const ICONS = {
  overview: '<path d="M4 13h7V4H4zM13 20h7v-9h-7zM4 20h7v-5H4zM13 4v5h7V4z"/>',
  explore: '<path d="M4 20V10M10 20V4M16 20v-8M21 20H3"/>',
  sql: '<path d="M8 8l-4 4 4 4M16 8l4 4-4 4M13.5 5l-3 14"/>',
  data: '<path d="M5 6c0-1.7 3.1-3 7-3s7 1.3 7 3-3.1 3-7 3-7-1.3-7-3zM5 6v12c0 1.7 3.1 3 7 3s7-1.3 7-3V6M5 12c0 1.7 3.1 3 7 3s7-1.3 7-3"/>',
}

Object.assign(ICONS, {
  actions: '<path d="M4 6l1.5 1.5L8 5M4 12.5L5.5 14 8 11.5M4 19l1.5 1.5L8 18M11 6.5h9M11 13h9M11 19.5h9"/>',
  sales: '<path d="M3 17l6-6 4 4 8-9M15 6h6v6"/>',
  churn: '<path d="M10 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM3 21c0-4 3-7 7-7 1.5 0 2.8.4 4 1.1M16 18h6"/>',
  recommendations: '<path d="M5 8h14l-1 12H6zM9 8V6a3 3 0 0 1 6 0v2M12 12v4M10 14h4"/>',
  credit: '<path d="M3 6h18v12H3zM3 10h18M7 15h4"/>',
  predict: '<path d="M4 5h16M4 10h9M4 15h6M17 12l1.2 2.8L21 16l-2.8 1.2L17 20l-1.2-2.8L13 16l2.8-1.2z"/>',
  features: '<path d="M5 4v16M12 4v16M19 4v16M3 9h4M10 15h4M17 7h4"/>',
  gallery: '<path d="M8 8l-5 4 5 4M16 8l5 4-5 4M14 4l-4 16"/>',
  operations: '<path d="M3 12h4l3-8 4 16 3-8h4"/>',
  models: '<path d="M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9"/>',
})

export function render({model}) {
  const nav = document.createElement("nav")
  nav.className = "sd-nav"
  nav.setAttribute("aria-label", "Pages")
  const show = () => {
    let group = ""
    nav.replaceChildren(...model.pages.flatMap((page) => {
      const heading = document.createElement("h2")
      heading.textContent = page.group
      const opens_group = page.group && page.group !== group
      group = page.group
      const button = document.createElement("button")
      button.type = "button"
      button.dataset.page = page.slug
      if (page.slug === model.active) button.setAttribute("aria-current", "page")
      button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[page.slug] ?? ""}</svg>`
      button.append(page.title)
      button.onclick = () => model.send_msg({kind: "open", page: page.slug})
      return opens_group ? [heading, button] : [button]
    }))
  }
  show()
  model.on("active", show)
  model.on("pages", show)
  return nav
}
