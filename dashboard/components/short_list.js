export function render({model}) {
  const box = element("div", "sd-short")
  const list = element("ol")
  const more = element("button", "more")
  more.type = "button"
  more.onclick = () => model.send_msg({kind: "more"})
  box.append(list, more)
  const show = () => {
    list.replaceChildren(...model.rows.map((line) => {
      const row = element("li")
      row.dataset.key = line.key
      const name = element("button", "name", line.name)
      name.type = "button"
      name.onclick = () => model.send_msg({kind: "open", key: line.key})
      const detail = element("span", "detail", line.detail)
      detail.title = line.detail
      if (line.tone) detail.dataset.tone = line.tone
      row.append(name, element("span", "value", line.value), detail)
      return row
    }))
    more.textContent = model.more
    more.hidden = !model.more
  }
  show()
  for (const name of ["rows", "more"]) model.on(name, show)
  return box
}
