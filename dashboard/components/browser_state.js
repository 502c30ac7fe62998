const NARROW = 600
const SETTLED_MS = 1500

export function render({model}) {
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
  if (window.innerWidth < NARROW) model.send_msg({kind: "narrow"})
  if (!location.search.includes("theme=") && matchMedia("(prefers-color-scheme: dark)").matches)
    model.send_msg({kind: "dark"})
  return document.createElement("span")
}
