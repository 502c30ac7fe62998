export function render({model}) {
  const box = document.createElement("div")
  box.className = "sd-page-message"
  box.setAttribute("role", "alert")
  const show = () => {
    const heading = document.createElement("h1")
    heading.textContent = model.title
    const paragraphs = [model.text, model.remedy].filter(Boolean).map((text) => {
      const paragraph = document.createElement("p")
      paragraph.textContent = text
      return paragraph
    })
    box.replaceChildren(heading, ...paragraphs)
    if (model.reference) {
      const reference = document.createElement("p")
      reference.className = "reference"
      reference.textContent = `Reference ${model.reference}`
      box.append(reference)
    }
  }
  show()
  for (const name of ["title", "text", "remedy", "reference"]) model.on(name, show)
  return box
}
