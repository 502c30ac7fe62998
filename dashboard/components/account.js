async function sign_out() {
  const answer = await fetch("sign-out", {method: "POST", credentials: "same-origin"})
  const {next} = answer.ok ? await answer.json() : {next: "/sign-in"}
  location.assign(next)
}

function menu_of(model) {
  const box = document.createElement("div")
  box.className = "sd-account"
  const button = document.createElement("button")
  button.type = "button"
  button.className = "who"
  button.setAttribute("aria-haspopup", "true")
  button.setAttribute("aria-expanded", "false")
  button.setAttribute("aria-label", `Signed in as ${model.person}`)
  const initial = document.createElement("span")
  initial.className = "initial"
  initial.setAttribute("aria-hidden", "true")
  initial.textContent = [...model.person][0]?.toUpperCase() ?? ""
  const name = document.createElement("span")
  name.className = "name"
  name.textContent = model.person
  button.append(initial, name)

  const menu = document.createElement("div")
  menu.className = "menu"
  menu.hidden = true
  const told = document.createElement("p")
  const strong = document.createElement("strong")
  strong.textContent = model.person
  const role = document.createElement("span")
  role.textContent = `Role: ${model.role}`
  told.append(strong, role)
  const out = document.createElement("button")
  out.type = "button"
  out.className = "out"
  out.textContent = "Sign out"
  out.onclick = sign_out
  menu.append(told, out)

  const show = (open) => {
    menu.hidden = !open
    button.setAttribute("aria-expanded", String(open))
  }
  button.onclick = () => show(menu.hidden)
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !menu.hidden) {
      show(false)
      button.focus()
    }
  })
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) show(false)
  })
  document.addEventListener("pointerdown", (event) => {
    if (!event.composedPath().includes(box)) show(false)
  })
  box.append(button, menu)
  return box
}

export function render({model}) {
  const root = document.createElement("div")
  if (model.person) root.append(menu_of(model))

  const curtain = document.createElement("dialog")
  curtain.className = "sd-ended"
  curtain.setAttribute("aria-label", "Session ended")
  const heading = document.createElement("h2")
  heading.textContent = "Your session has ended"
  const why = document.createElement("p")
  const again = document.createElement("button")
  again.type = "button"
  again.textContent = "Open again"
  again.onclick = () => location.reload()
  curtain.append(heading, why, again)
  curtain.addEventListener("cancel", (event) => event.preventDefault())
  root.append(curtain)
  const show = () => {
    why.textContent = `${model.ended} What you see may be out of date; the address keeps where you were.`
    document.documentElement.dataset.session = model.ended ? "ended" : "open"
    if (model.ended && !curtain.open && curtain.isConnected) curtain.showModal()
  }
  model.on("ended", show)
  return root
}
