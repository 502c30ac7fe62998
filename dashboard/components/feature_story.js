export function render({model}) {
  const box = element("div", "sd-story")
  const facts = element("dl")
  const file = element("p", "file")
  const code = element("pre", "code")
  code.tabIndex = 0
  code.setAttribute("aria-label", "SQL of the feature")
  box.append(facts, file, code)
  const show = () => {
    facts.replaceChildren(...model.facts.map(({label, value}) => {
      const pair = element("div")
      pair.append(element("dt", "", label), element("dd", "", value))
      return pair
    }))
    file.textContent = model.file
    let first = null
    code.replaceChildren(...model.sql.split("\n").map((text) => {
      const line = element("span", model.word && new RegExp(`\\b${model.word}\\b`).test(text) ? "hit" : "", `${text}\n`)
      if (line.className && !first) first = line
      return line
    }))
    code.hidden = !model.sql
    requestAnimationFrame(() => { code.scrollTop = first ? Math.max(0, first.offsetTop - 24) : 0 })
  }
  show()
  for (const name of ["facts", "file", "sql", "word"]) model.on(name, show)
  return box
}
