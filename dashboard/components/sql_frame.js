export function render({model}) {
  const frame = document.createElement("div")
  frame.className = "sd-sql-frame"
  for (const name of ["side", "editor", "result"]) {
    const place = document.createElement("div")
    place.className = name
    place.append(model.get_child(name))
    frame.append(place)
  }
  return frame
}
