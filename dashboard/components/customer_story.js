export function render({model}) {
  const box = element("div", "sd-story")
  box.tabIndex = 0
  const show = () => {
    const parts = []
    if (model.word) {
      const head = element("p", "head")
      const word = element("strong", "word", model.word)
      word.dataset.tone = model.tone
      head.append(word, element("span", "lead", model.lead))
      parts.push(head)
    }
    if (model.facts.length) {
      const list = element("dl")
      for (const fact of model.facts) {
        const row = element("div")
        row.append(element("dt", "", fact.label), element("dd", "", fact.value))
        list.append(row)
      }
      parts.push(list)
    }
    for (const section of model.sections) {
      if (section.title) parts.push(element("h3", "", section.title))
      const list = element("ul")
      list.append(...section.lines.map((line) => element("li", "", line)))
      parts.push(list)
    }
    box.replaceChildren(...parts)
  }
  show()
  for (const name of ["word", "tone", "lead", "facts", "sections"]) model.on(name, show)
  return box
}
