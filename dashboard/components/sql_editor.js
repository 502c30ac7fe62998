const LOAD = "__sales_ace"
const SETTLE = 300
const COMPLETE_AGAIN = 150

function load(base) {
  const script = (name) => new Promise((done, failed) => {
    const node = document.createElement("script")
    node.src = new URL(`${base}/${name}`, document.baseURI).href
    node.onload = done
    node.onerror = () => failed(new Error(name))
    document.head.append(node)
  })
  window[LOAD] ??= script("ace.js").then(() => script("ext-language_tools.js")).then(() => script("mode-sql.js"))
    .then(() => {
      window.ace.config.set("basePath", new URL(base, document.baseURI).href)
      return window.ace
    })
  return window[LOAD]
}

const COLOURS = {
  light: {text: "#1c2530", back: "#fff", line: "#f3f6f9", gutter: "#8a94a6", select: "#cfe2f4", keyword: "#12558f",
    string: "#2b6b4f", number: "#9a4a12", comment: "#66717f", call: "#7a3d92", edge: "#dfe4ea"},
  dark: {text: "#e8edf2", back: "#1a212a", line: "#212a35", gutter: "#74808f", select: "#264766", keyword: "#7fbdf0",
    string: "#8fd3b4", number: "#e9b07c", comment: "#94a0ae", call: "#d0a0e4", edge: "#3a4653"},
}

function theme_css(name, c) {
  const at = `.ace-sales-${name}`
  return `
${at} { background: ${c.back}; color: ${c.text}; }
${at} .ace_gutter { background: ${c.back}; color: ${c.gutter}; }
${at} .ace_cursor { color: ${c.text}; }
${at} .ace_marker-layer .ace_selection { background: ${c.select}; }
${at} .ace_marker-layer .ace_active-line, ${at} .ace_gutter-active-line { background: ${c.line}; }
${at} .ace_marker-layer .ace_bracket { border: 1px solid ${c.gutter}; margin: -1px 0 0 -1px; }
${at} .ace_keyword, ${at} .ace_storage { color: ${c.keyword}; font-weight: 600; }
${at} .ace_keyword.ace_operator { font-weight: 400; }
${at} .ace_string { color: ${c.string}; }
${at} .ace_constant { color: ${c.number}; }
${at} .ace_comment { color: ${c.comment}; font-style: italic; }
${at} .ace_support.ace_function { color: ${c.call}; }
${at}${at}.ace_editor.ace_autocomplete { border: 1px solid ${c.edge}; border-radius: 6px; background: ${c.back}; color: ${c.text};
  width: 340px; box-shadow: 0 4px 16px rgb(0 0 0 / .18); }
${at}${at}.ace_editor.ace_autocomplete .ace_line-hover { background: ${c.line}; border-color: transparent; }
${at}${at}.ace_editor.ace_autocomplete .ace_marker-layer .ace_active-line { background: ${c.select}; }
${at}${at}.ace_editor.ace_autocomplete .ace_completion-highlight { color: ${c.keyword}; font-weight: 700; }
${at}${at}.ace_editor.ace_autocomplete .ace_completion-meta { color: ${c.comment}; opacity: 1; }
${at} .ace_tooltip-content, ${at}.ace_tooltip { background: ${c.back}; color: ${c.text}; }`
}

function define_themes(ace) {
  for (const [name, colours] of Object.entries(COLOURS))
    ace.define(`ace/theme/sales_${name}`, ["require", "exports", "module"], (_require, exports) => {
      exports.isDark = name === "dark"
      exports.cssClass = `ace-sales-${name}`
      exports.cssText = theme_css(name, colours)
    })
}

/** Tables that the text reads, by the names they have in it. */
function names_in(text, tables) {
  const known = new Map(tables.map((table) => [table.name.toLowerCase(), table]))
  const found = new Map()
  for (const [, quoted, ticked, bracketed, plain, alias] of text.matchAll(/\b(?:from|join)\s+(?:"([^"]+)"|`([^`]+)`|\[([^\]]+)\]|([\w.]+))(?:\s+(?:as\s+)?(\w+))?/gi)) {
    const name = quoted ?? ticked ?? bracketed ?? plain
    const table = known.get(name.toLowerCase())
    if (!table) continue
    found.set(name.toLowerCase(), table)
    if (alias) found.set(alias.toLowerCase(), table)
  }
  return found
}

function completer(model) {
  const written = (name) => model.quoted[name] ?? name
  const columns = (table, score) => table.columns.map(([name, type]) => (
    {caption: name, value: written(name), meta: `${type} · ${table.name}`, score}
  ))
  return {
    id: "sales-schema",
    triggerCharacters: ["."],
    identifierRegexps: [/[a-zA-Z_0-9]/],
    getCompletions(editor, session, position, prefix, answer) {
      const line = session.getLine(position.row)
      const before = line.slice(0, position.column - prefix.length)
      const read = names_in(session.getValue(), model.tables)
      const owner = before.match(/(\w+)["`]?\.$/)
      if (owner) {
        const table = read.get(owner[1].toLowerCase())
          ?? model.tables.find((other) => other.name.toLowerCase() === owner[1].toLowerCase())
        answer(null, table ? columns(table, 1000) : [])
        return
      }
      const wants_table = /\b(from|join)\s+$/i.test(before)
      const used = new Set(read.values())
      const seen = new Set()
      const present = new Set(session.getValue().toLowerCase().match(/\w+/g))
      const found = [...used].flatMap((table) => columns(table, 900))
        .concat(model.tables.map((table) => (
          {caption: table.name, value: written(table.name), meta: table.kind, score: wants_table ? 2000 : 800}
        )))
        .concat(model.words.map((word) => (
          {caption: word, value: word, meta: word === word.toUpperCase() ? "SQL" : "function", score: 400}
        )))
        .concat(used.size ? [] : model.tables.flatMap((table) => columns(table, 300)))
      for (const entry of found) if (present.has(entry.caption.toLowerCase())) entry.score += 50
      answer(null, found.filter(({caption, meta}) => {
        const key = meta.includes("·") ? `column ${caption}` : caption
        return !seen.has(key) && seen.add(key)
      }))
    },
  }
}

/** Complete the word at the cursor; Ace drops it where the next word begins before the last one's list is closed. */
function complete_last_word(editor, Autocomplete) {
  const cursor = editor.getCursorPosition()
  if (!editor.isFocused() || !/\w$/.test(editor.session.getLine(cursor.row).slice(0, cursor.column))) return
  const shown = editor.completer
  if (shown?.popup?.isOpen && shown.base) {
    const completed = editor.session.getTextRange({start: shown.base, end: cursor})
    if (/^\w*$/.test(completed)) return
    shown.detach()
  }
  const completer = Autocomplete.for(editor)
  completer.autoInsert = false
  completer.autoShown = true
  completer.showPopup(editor)
}

/** Let a choice replace the whole word: while one types fast, Ace takes the list of the word as it was before. */
function completer_in_step(editor, Autocomplete) {
  const completer = Autocomplete.for(editor)
  const insert = completer.insertMatch.bind(completer)
  completer.insertMatch = (entry, options) => {
    if (!entry) {
      completer.updateCompletions(true)
      if (!completer.popup?.isOpen) return false
    }
    return insert(entry, options)
  }
}

function button(name, text, title, onclick) {
  const node = element("button", name, text)
  node.type = "button"
  node.title = title
  node.onclick = onclick
  return node
}

function chooser(label, values, shown, chosen) {
  const box = element("label", "choice", label)
  const select = document.createElement("select")
  select.append(...values.map((value) => new Option(shown(value), value)))
  select.onchange = () => chosen(Number(select.value))
  box.append(select)
  return [box, select]
}

export function render({model}) {
  const busy = () => model.state === "running" || model.state === "waiting"
  const box = element("section", "sd-sql")
  box.setAttribute("aria-label", "SQL editor")
  const bar = element("div", "bar")
  const place = element("div", "editor")
  const inputs = element("div", "inputs")
  const foot = element("div", "foot")
  const status = element("p", "status")
  status.setAttribute("role", "status")
  const clock = element("span", "clock")
  const mac = /Mac|iPhone|iPad/.test(navigator.platform)
  let editor = null, marks = [], timer = null, completing = null, ticking = null, started = 0, focused = false

  const text = () => editor ? editor.getValue() : model.text
  const values = () => Object.fromEntries(
    [...inputs.querySelectorAll("input")].map((input) => [input.name, input.value]),
  )
  const settle = () => {
    clearTimeout(timer)
    if (text() !== model.text) model.text = text()
  }
  const send = (kind) => {
    settle()
    model.send_msg({kind, text: text(), values: values()})
  }
  const run = () => { if (!busy()) send("run") }
  const cancel = () => model.send_msg({kind: "cancel"})

  const run_button = button("run", "Run", `Run (${mac ? "⌘" : "Ctrl"}+Enter)`, run)
  run_button.append(element("kbd", "", mac ? "⌘↵" : "Ctrl ↵"))
  const cancel_button = button("cancel", "Cancel", "Stop the query (Esc)", cancel)
  cancel_button.append(element("kbd", "", "Esc"))
  const link_button = button("plain", "Copy link", "Copy a link to this query", () => send("link"))
  const [rows_box, rows] = chooser("Rows at most", model.row_choices, (n) => n.toLocaleString("en"),
    (value) => { model.max_rows = value })
  const [seconds_box, seconds] = chooser("Seconds", model.second_choices, String,
    (value) => { model.max_seconds = value })
  bar.append(run_button, cancel_button, element("span", "space"), rows_box, seconds_box, link_button)
  foot.append(status, clock)
  box.append(bar, place, inputs, foot)

  const show_inputs = () => {
    const given = values()
    inputs.replaceChildren(...model.parameters.map((parameter) => {
      const label = element("label", "", parameter.name)
      label.title = parameter.description
      const input = document.createElement("input")
      input.name = parameter.name
      input.type = parameter.kind === "day" || parameter.kind === "date" ? "date" : "text"
      input.autocomplete = "off"
      input.value = parameter.keep ? given[parameter.name] ?? parameter.value : parameter.value
      input.onkeydown = (event) => {
        if (event.key === "Enter") run()
        if (event.key === "Escape" && busy()) cancel()
      }
      label.append(input)
      return label
    }))
    inputs.hidden = model.parameters.length === 0
  }
  const show_marks = () => {
    if (!editor) return
    const session = editor.getSession()
    for (const mark of marks) session.removeMarker(mark)
    marks = []
    const {line, column, text: words} = model.mark
    if (!line) {
      session.clearAnnotations()
      return
    }
    const row = Math.min(line, session.getLength()) - 1
    const Range = window.ace.require("ace/range").Range
    marks.push(session.addMarker(new Range(row, 0, row, 1), "sd-wrong-line", "fullLine", true))
    if (column) {
      const word = session.getLine(row).slice(column - 1).match(/^\w+|^\S?/)[0].length || 1
      marks.push(session.addMarker(new Range(row, column - 1, row, column - 1 + word), "sd-wrong-word", "text", true))
    }
    session.setAnnotations([{row, column: (column || 1) - 1, text: words, type: "error"}])
    editor.scrollToLine(row, true, false)
  }
  const tick = () => { clock.textContent = `${((performance.now() - started) / 1000).toFixed(1)} s` }
  const show_state = () => {
    box.dataset.state = model.state
    status.textContent = model.message
    cancel_button.hidden = !busy()
    run_button.disabled = busy()
    if (busy() && ticking === null) {
      started = performance.now()
      tick()
      ticking = setInterval(tick, 100)
    } else if (!busy() && ticking !== null) {
      clearInterval(ticking)
      ticking = null
      if (document.activeElement === document.body && focused) editor?.focus()
    }
    clock.hidden = !busy()
  }
  const show_limits = () => {
    rows.value = model.max_rows
    seconds.value = model.max_seconds
  }
  const show_text = () => {
    if (!editor || editor.getValue() === model.text) return
    editor.session.setValue(model.text)
    editor.clearSelection()
  }
  const show_theme = () => editor?.setTheme(`ace/theme/sales_${model.dark ? "dark" : "light"}`)

  const begin = async () => {
    const ace = await load(model.assets).catch(() => null)
    if (!ace) {
      status.textContent = "The editor could not be loaded. Reload the page."
      return
    }
    if (!window[`${LOAD}_themes`]) define_themes(ace)
    window[`${LOAD}_themes`] = true
    const tools = ace.require("ace/ext/language_tools")
    editor = ace.edit(place, {
      mode: "ace/mode/sql", value: model.text, useWorker: false, showPrintMargin: false, fontSize: 13, tabSize: 4,
      useSoftTabs: true, wrap: true, highlightActiveLine: true, enableBasicAutocompletion: true, scrollPastEnd: 0,
      fontFamily: "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
      textInputAriaLabel: "SQL: Control Enter runs, Escape leaves the editor",
      placeholder: window.innerWidth < 600 ? "SELECT … FROM …" : "SELECT … FROM …   Ctrl+Space completes tables and columns",
    })
    tools.setCompleters([])
    editor.completers = [completer(model)]
    editor.setOption("enableLiveAutocompletion", true)
    const {Autocomplete} = ace.require("ace/autocomplete")
    completer_in_step(editor, Autocomplete)
    editor.commands.on("afterExec", ({command, args}) => {
      if (command.name !== "insertstring" || args?.length !== 1) return
      clearTimeout(completing)
      completing = setTimeout(() => complete_last_word(editor, Autocomplete), COMPLETE_AGAIN)
    })
    editor.renderer.setScrollMargin(8, 8)
    editor.renderer.attachToShadowRoot()
    show_theme()
    editor.commands.addCommand({name: "run-query", bindKey: {win: "Ctrl-Enter", mac: "Cmd-Enter|Ctrl-Enter"},
      exec: () => { clearTimeout(completing); editor.completer?.detach(); run() }})
    editor.commands.addCommand({name: "leave", bindKey: "Esc",
      exec: () => busy() ? cancel() : run_button.focus()})
    editor.on("focus", () => { focused = true })
    editor.on("change", () => {
      clearTimeout(timer)
      timer = setTimeout(settle, SETTLE)
      if (model.mark.line) model.mark = {}
    })
    new ResizeObserver(() => editor.resize()).observe(place)
    show_marks()
    box.dataset.ready = "true"
  }
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && busy() && !place.contains(event.target)) cancel()
  })
  const answered = (message) => {
    const data = message.data ?? message
    if (data.kind === "insert" && editor) {
      editor.insert(data.text)
      editor.focus()
    } else if (data.kind === "copy") {
      const url = new URL(data.search, window.location.href).href
      navigator.clipboard.writeText(url).then(
        () => { link_button.textContent = "Link copied" },
        () => { link_button.textContent = "Copy it from the address bar" },
      ).finally(() => setTimeout(() => { link_button.textContent = "Copy link" }, 2500))
    } else if (data.kind === "focus") editor?.focus()
  }

  show_inputs()
  show_state()
  show_limits()
  model.on("parameters", show_inputs)
  model.on("mark", show_marks)
  model.on("text", show_text)
  model.on("dark", show_theme)
  for (const name of ["max_rows", "max_seconds"]) model.on(name, show_limits)
  for (const name of ["state", "message"]) model.on(name, show_state)
  model.on("msg:custom", answered)
  model.on("after_render", begin)
  model.on("remove", () => {
    clearTimeout(timer)
    clearTimeout(completing)
    clearInterval(ticking)
    editor?.destroy()
  })
  return box
}
