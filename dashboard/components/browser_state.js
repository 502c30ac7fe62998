const NARROW = 600
const SETTLED_MS = 1500

export function render({model}) {
  let restoring = true
  const settle = () => setTimeout(() => { restoring = false }, SETTLED_MS)
  const write = () => {
    if (!model.address || model.address === location.search) return
    history[restoring ? "replaceState" : "pushState"]({}, "", model.address)
    restoring = false
  }
  const moved = () => {
    restoring = true
    settle()
    model.send_msg({kind: "moved", search: location.search})
  }
  settle()
  model.on("address", write)
  window.addEventListener("popstate", moved)
  model.on("remove", () => window.removeEventListener("popstate", moved))
  if (window.innerWidth < NARROW) model.send_msg({kind: "narrow"})
  if (!location.search.includes("theme=") && matchMedia("(prefers-color-scheme: dark)").matches)
    model.send_msg({kind: "dark"})
  return document.createElement("span")
}
