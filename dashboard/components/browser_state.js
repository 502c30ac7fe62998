const NARROW = 600
const SETTLED_MS = 1500
const RETRY_MS = 2000
const LOST = "The connection to the server is lost. This page comes back by itself as soon as a server answers."

// A server that was stopped, moved or updated: the address holds the whole state, so any server can go on.
function come_back() {
  if (document.documentElement.dataset.session === "ended") return // on purpose, and the page says why
  const strip = document.createElement("p")
  strip.setAttribute("role", "alert")
  strip.textContent = LOST
  Object.assign(strip.style, {
    position: "fixed", inset: "auto 16px 16px 16px", margin: "0 auto", maxWidth: "560px", padding: "12px 16px",
    zIndex: "9999", borderRadius: "8px", background: "#1f2933", color: "#ffffff", font: "14px/1.5 Roboto, sans-serif",
    boxShadow: "0 4px 16px rgb(0 0 0 / 30%)",
  })
  document.body.append(strip)
  const ask = async () => {
    const answered = await fetch("readyz", {cache: "no-store"}).then((answer) => answer.ok, () => false)
    if (answered && document.visibilityState === "visible") location.reload()
    else setTimeout(ask, RETRY_MS)
  }
  setTimeout(ask, RETRY_MS / 4)
}

export function render({model, view}) {
  // The first address, and what answers a move through the history, correct an entry; all else is a new one.
  let correcting = true
  let moves = 0
  setTimeout(() => { correcting = false }, SETTLED_MS)
  const write = () => {
    if (model.answered < moves) return // said before the server knew of the last move
    if (model.address && model.address !== location.search)
      history[correcting ? "replaceState" : "pushState"]({}, "", model.address)
    correcting = false
  }
  const moved = () => {
    correcting = true
    moves += 1
    model.send_msg({kind: "moved", search: location.search, moves})
  }
  model.on("address", write)
  model.on("answered", write)
  window.addEventListener("popstate", moved)
  model.on("remove", () => window.removeEventListener("popstate", moved))
  let leaving = false
  window.addEventListener("beforeunload", () => { leaving = true })
  view.model.document?.on_event("connection_lost", () => { if (!leaving) come_back() })
  if (window.innerWidth < NARROW) model.send_msg({kind: "narrow"})
  if (!location.search.includes("theme=") && matchMedia("(prefers-color-scheme: dark)").matches)
    model.send_msg({kind: "dark"})
  return document.createElement("span")
}
