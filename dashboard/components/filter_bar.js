export function render({model}) {
  const bar = document.createElement("div")
  bar.className = "sd-filters"
  const show = () => {
    const status = document.createElement("span")
    status.className = "status"
    status.textContent = model.status
    const chips = model.chips.map((chip) => {
      const button = document.createElement("button")
      button.type = "button"
      button.className = "chip"
      button.dataset.key = chip.key
      button.setAttribute("aria-label", `Remove filter ${chip.label}`)
      const label = document.createElement("span")
      label.textContent = chip.label
      const cross = document.createElement("span")
      cross.className = "cross"
      cross.setAttribute("aria-hidden", "true")
      cross.textContent = "×"
      button.append(label, cross)
      button.onclick = () => model.send_msg({key: chip.key, value: chip.value})
      return button
    })
    if (chips.length > 0) {
      const clear = document.createElement("button")
      clear.type = "button"
      clear.className = "clear"
      clear.textContent = "Clear all"
      clear.onclick = () => model.send_msg({key: "all", value: ""})
      chips.push(clear)
    }
    if (model.customer) {
      const open = document.createElement("button")
      open.type = "button"
      open.className = "open"
      open.textContent = "Open customer page"
      open.onclick = () => model.send_msg({key: "open", value: model.customer})
      chips.push(open)
    }
    const messages = [...(model.problem ? [model.problem] : []), ...model.notices].map((text, i) => {
      const message = document.createElement("p")
      message.className = i === 0 && model.problem ? "message problem" : "message"
      message.setAttribute("role", "alert")
      message.textContent = text
      return message
    })
    const past = []
    if (model.looking_back) {
      const back = document.createElement("p")
      back.className = "back"
      const words = document.createElement("span")
      words.textContent = model.looking_back
      const latest = document.createElement("button")
      latest.type = "button"
      latest.className = "latest"
      latest.textContent = "Back to the latest date"
      latest.onclick = () => model.send_msg({key: "latest", value: ""})
      back.append(words, latest)
      past.push(back)
    }
    bar.replaceChildren(status, ...chips, ...past, ...messages)
  }
  show()
  model.on("chips", show)
  for (const name of ["status", "problem", "notices", "customer", "looking_back"]) model.on(name, show)
  return bar
}
