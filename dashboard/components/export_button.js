export function render({model}) {
  const button = document.createElement("button")
  button.type = "button"
  button.className = "sd-export"
  button.textContent = model.label
  button.onclick = () => model.send_msg({kind: "export", form: model.form})
  return button
}
