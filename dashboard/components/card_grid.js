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
  return grid
}
