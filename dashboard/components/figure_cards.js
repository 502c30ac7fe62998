function sparkline(values) {
  const width = 120, height = 32
  const low = Math.min(...values, 0), high = Math.max(...values)
  const span = high - low || 1
  const points = values.map((v, i) => {
    const x = values.length > 1 ? (i / (values.length - 1)) * width : width / 2
    return `${x.toFixed(1)},${(height - 2 - ((v - low) / span) * (height - 4)).toFixed(1)}`
  })
  return `<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true">` +
    `<polygon points="0,${height} ${points.join(" ")} ${width},${height}"/>` +
    `<polyline points="${points.join(" ")}"/></svg>`
}

export function render({model}) {
  const box = document.createElement("section")
  box.setAttribute("aria-label", "Key figures")
  const caption = document.createElement("p")
  caption.className = "caption"
  const list = document.createElement("dl")
  list.className = "sd-figures"
  box.append(caption, list)
  const show = () => {
    list.classList.toggle("compact", model.compact)
    caption.textContent = model.caption
    list.replaceChildren(...model.figures.map((figure) => {
      const card = document.createElement("div")
      card.className = "figure"
      card.dataset.key = figure.key
      const label = document.createElement("dt")
      label.textContent = figure.label
      const value = document.createElement("dd")
      value.className = "value"
      value.textContent = figure.value
      const change = document.createElement("dd")
      change.className = `change ${figure.trend}`
      change.textContent = figure.change
      change.title = figure.note
      card.append(label, value, change)
      if (!model.compact && figure.spark.length > 1) card.insertAdjacentHTML("beforeend", sparkline(figure.spark))
      if (figure.note && !model.compact) {
        const note = document.createElement("dd")
        note.className = "note"
        note.textContent = figure.note
        card.append(note)
      }
      return card
    }))
  }
  show()
  model.on("figures", show)
  model.on("caption", show)
  return box
}
