const ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 16V4M7 9l5-5 5 5M4 16v4h16v-4"/></svg>'
const FORGET_AFTER = 4000

function size_text(bytes) {
  if (bytes < 1e3) return `${bytes} bytes`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

export function render({model}) {
  const card = node("section", {class: "card", "aria-label": "Add data"})
  const hint = node("p", {class: "quiet"})
  const picker = node("input", {type: "file", multiple: true, hidden: true})
  const choose = node("button", {type: "button", class: "button primary", onclick: () => picker.click()}, "Choose files")
  const drop = node("div", {class: "drop"})
  drop.innerHTML = ICON
  const invitation = node("p", {}, "Drop files here, or")
  const formats = node("p", {class: "quiet"})
  drop.append(invitation, choose, formats)
  const list = node("ul", {class: "files", "aria-live": "polite"})
  card.append(node("h2", {}, "Add data"), hint, drop, picker, list)
  const waiting = new Map()
  let number = 0

  const complain = (entry, text) => {
    entry.bar.hidden = true
    entry.note.textContent = text
    entry.stop.textContent = "Dismiss"
    entry.stop.onclick = () => entry.item.remove()
    entry.item.classList.add("failed")
  }

  const begin = (file) => {
    const id = `${Date.now()}-${number++}`
    const bar = node("progress", {max: 1, value: 0, "aria-label": `Upload of ${file.name}`})
    const note = node("span", {class: "quiet"}, "waiting")
    const stop = node("button", {type: "button", class: "link"}, "Cancel")
    const item = node("li", {}, node("span", {class: "name"}, file.name),
      node("span", {}, note, stop), bar)
    const entry = {file, bar, note, stop, item, request: null}
    stop.onclick = () => {
      waiting.delete(id)
      if (entry.request) entry.request.abort()
      item.remove()
    }
    waiting.set(id, entry)
    list.append(item)
    model.send_msg({kind: "announce", id, name: file.name, size: file.size})
  }

  const send = (id, ticket) => {
    const entry = waiting.get(id)
    if (!entry) return
    const request = new XMLHttpRequest()
    entry.request = request
    request.open("POST", new URL("data/upload", document.baseURI.split(/[?#]/)[0]).href)
    request.setRequestHeader("X-Upload-Ticket", ticket)
    request.setRequestHeader("Content-Type", "application/octet-stream")
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return
      entry.bar.value = event.loaded / event.total
      entry.note.textContent = `${size_text(event.loaded)} of ${size_text(event.total)}`
    }
    request.onload = () => {
      waiting.delete(id)
      let answer = {}
      try { answer = JSON.parse(request.responseText) } catch { answer = {error: "The server's answer cannot be read."} }
      if (request.status !== 200) {
        complain(entry, [answer.error, answer.remedy].filter(Boolean).join(" "))
        return
      }
      entry.bar.value = 1
      entry.note.textContent = `${size_text(entry.file.size)}, uploaded`
      entry.stop.remove()
      setTimeout(() => entry.item.remove(), FORGET_AFTER)
      model.send_msg({kind: "arrived", key: answer.key})
    }
    request.onerror = () => {
      waiting.delete(id)
      complain(entry, "The upload was broken off. Check the connection and choose the file again.")
    }
    request.send(entry.file)
  }

  model.on("msg:custom", (message) => {
    const data = message.data ?? message
    if (data.kind === "ticket") send(data.id, data.ticket)
    if (data.kind === "refused") {
      const entry = waiting.get(data.id)
      waiting.delete(data.id)
      if (entry) complain(entry, data.message)
    }
  })
  picker.onchange = () => {
    for (const file of picker.files) begin(file)
    picker.value = ""
  }
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over") })
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"))
  drop.addEventListener("drop", (event) => {
    event.preventDefault()
    drop.classList.remove("over")
    for (const file of event.dataTransfer.files) begin(file)
  })
  const show = () => {
    hint.textContent = model.state.hint ?? ""
    formats.textContent = model.state.formats ?? ""
    choose.disabled = Boolean(model.state.busy)
  }
  show()
  model.on("state", show)
  return card
}
