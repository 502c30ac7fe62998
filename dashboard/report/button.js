function save(name, content) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([content], {type: "text/html;charset=utf-8"}))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

export function render({model}) {
  const box = document.createElement("div")
  box.className = "sd-report"
  const button = document.createElement("button")
  button.type = "button"
  button.className = "report-save"
  button.title = "Save this page as a report that opens offline"
  button.setAttribute("aria-label", "Save as report")
  button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true">' +
    '<path d="M7 3h7l4 4v6M7 3v18h5M13 3v5h5M17 15v6M14 18l3 3 3-3"/></svg>'
  const label = document.createElement("span")
  label.className = "report-label"
  button.append(label)
  const told = document.createElement("p")
  told.className = "report-said"
  told.setAttribute("role", "status")
  told.hidden = true
  box.append(button, told)

  const tell = (text) => {
    told.textContent = text
    told.hidden = !text
  }
  const show = () => {
    button.disabled = model.busy
    label.textContent = model.busy ? "Saving …" : "Save as report"
  }
  button.onclick = () => {
    tell("")
    model.send_msg({kind: "save"})
  }
  document.addEventListener("pointerdown", (event) => {
    if (!event.composedPath().includes(box)) tell("")
  })
  model.on("busy", show)
  model.on("msg:custom", (answer) => {
    const data = answer.data ?? answer
    if (data.kind === "report") {
      tell("")
      save(data.name, data.text)
    }
    if (data.kind === "refused" || data.kind === "waiting") tell(data.message)
  })
  show()
  return box
}
