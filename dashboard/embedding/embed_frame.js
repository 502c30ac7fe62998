// The page of one embedded view: its colours, its height, and what is said between it and the host page.
const SCHEME = matchMedia("(prefers-color-scheme: dark)")

function recolour(doc, dark) {
  const style = getComputedStyle(document.documentElement)
  const [text, quiet, line] = ["--panel-on-surface-color", "--panel-on-secondary-color", "--chart-line-color"]
    .map((name) => style.getPropertyValue(name).trim())
  for (const model of doc.all_models) {
    const type = model.type
    if (type.endsWith("Axis"))
      model.setv({axis_label_text_color: text, major_label_text_color: quiet, axis_line_color: line,
        axis_line_alpha: 0, major_label_text_font: "Roboto", axis_label_text_font: "Roboto"}, {sync: false})
    else if (type.endsWith("Grid") && model.grid_line_color != null)
      model.setv({grid_line_color: line}, {sync: false})
    else if (type === "Legend" || type === "ColorBar")
      model.setv({background_fill_alpha: 0, border_line_color: null, ...(type === "Legend"
        ? {label_text_color: quiet} : {major_label_text_color: quiet, title_text_color: text})}, {sync: false})
  }
  document.documentElement.style.colorScheme = dark ? "dark" : "light"
}

export function render({model}) {
  const root = document.documentElement
  const node = document.createElement("span")
  const doc = model.document ?? window.Bokeh.documents[0]
  const said = new URLSearchParams(location.search).get("host") ?? ""
  const allowed = (origin) => origin === location.origin || model.origins.includes("*") || model.origins.includes(origin)
  let host = said && allowed(said) ? said : ""
  if (host) root.dataset.hosted = "" // the loader sees to it that the host page shines through
  let chosen = model.theme
  let dark = null

  const tell = (message) => {
    if (window.parent !== window && host) window.parent.postMessage({source: "sales-view", ...message}, host)
  }
  const paint = () => {
    const now = chosen === "dark" || (chosen === "auto" && SCHEME.matches)
    root.dataset.theme = now ? "dark" : "light"
    recolour(doc, now)
    if (dark !== now && (dark !== null || now)) model.send_msg({kind: "dark", on: now})
    dark = now
  }
  let waiting = false
  const later = () => {
    if (waiting) return
    waiting = true
    requestAnimationFrame(() => { waiting = false; paint() })
  }
  doc.on_change((event) => { if (event.kind !== "MessageSent") later() })
  SCHEME.addEventListener("change", paint)

  let height = 0
  const measure = () => {
    const now = Math.ceil(document.body.getBoundingClientRect().height)
    if (now !== height && now > 0) {
      height = now
      tell({kind: "height", height})
    }
  }
  new ResizeObserver(measure).observe(document.body)

  const heard = (event) => {
    if (event.source !== window.parent || window.parent === window) return
    if (!allowed(event.origin)) return
    const message = event.data
    if (message?.source !== "sales-host") return
    host = event.origin
    if (message.kind === "hello") { height = 0; measure(); tell({kind: "state", query: model.address}) }
    if (message.kind === "theme" && ["light", "dark", "auto"].includes(message.theme)) {
      chosen = message.theme
      paint()
    }
    if (message.kind === "query" && typeof message.query === "string")
      model.send_msg({kind: "query", query: message.query})
  }
  window.addEventListener("message", heard)
  model.on("address", () => tell({kind: "state", query: model.address}))
  model.on("ended", () => { if (model.ended) tell({kind: "refused", message: model.ended}) })
  model.on("opens", () => { if (model.opens) window.open(model.opens, "_blank", "noopener") })
  paint()
  tell({kind: "ready"})
  measure()
  return node
}
