// The last card of a row that is not full takes the columns that are left: no holes at any width.
function fill_rows(grid) {
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length
  const shown = [...grid.children].filter((card) => getComputedStyle(card).display !== "none")
  let taken = 0
  shown.forEach((card, place) => {
    const wide = card.style.gridColumn !== ""
    const next = shown[place + 1]
    const ends = !wide && (!next || next.style.gridColumn !== "")
    const span = ends ? columns - (taken % columns) : 1
    if (card.style.getPropertyValue("--span") !== `${span}`) card.style.setProperty("--span", `${span}`)
    taken = wide || ends ? 0 : taken + 1
  })
}

export function render({model}) {
  const grid = document.createElement("div")
  grid.className = "sd-grid"
  const size = () => {
    const gaps = (model.max_columns - 1) * 16
    grid.style.setProperty("--column", `max(${model.min_column}px, calc((100% - ${gaps}px) / ${model.max_columns}))`)
  }
  grid.append(...model.get_child("objects"))
  size()
  model.on("min_column", size)
  new ResizeObserver(() => fill_rows(grid)).observe(grid)
  return grid
}
