// <sales-view view="revenue-over-time" country="USA" theme="auto"></sales-view>
(() => {
  const SERVER = new URL(".", document.currentScript.src)
  const OWN = ["view", "theme", "token", "height", "id", "class", "style", "slot", "title", "hidden", "lang", "dir", "role"]
  const PATIENCE_MS = 30000
  const SCHEME = matchMedia("(prefers-color-scheme: dark)")

  // The theme of the host page where the element stands: that of the nearest surface behind it.
  const host_theme = (element) => {
    for (let node = element; node; node = node.parentElement ?? node.getRootNode().host) {
      const found = getComputedStyle(node).backgroundColor.match(/[\d.]+/g)?.map(Number)
      if (found && (found.length < 4 || found[3] > 0.5))
        return 0.299 * found[0] + 0.587 * found[1] + 0.114 * found[2] < 110 ? "dark" : "light"
    }
    return getComputedStyle(document.documentElement).colorScheme.includes("dark") && SCHEME.matches ? "dark" : "light"
  }

  class SalesView extends HTMLElement {
    connectedCallback() {
      if (!this.shadowRoot) this.attachShadow({mode: "open"})
      this.shadowRoot.innerHTML = "<style>:host{display:block}iframe{display:block;width:100%;border:0;" +
        "color-scheme:normal}p{margin:0;padding:16px;border:1px solid currentColor;border-radius:8px;" +
        "font:14px/1.5 sans-serif;opacity:.8}</style>"
      this.heard = (event) => this.hear(event)
      this.repaint = () => this.send_theme()
      window.addEventListener("message", this.heard)
      SCHEME.addEventListener("change", this.repaint)
      this.watcher = new MutationObserver((changes) => this.changed(changes.map((change) => change.attributeName)))
      this.watcher.observe(this, {attributes: true})
      this.surroundings = new MutationObserver(this.repaint)
      for (const node of [document.documentElement, document.body])
        this.surroundings.observe(node, {attributes: true, attributeFilter: ["class", "style", "data-theme"]})
      this.open()
    }

    disconnectedCallback() {
      window.removeEventListener("message", this.heard)
      SCHEME.removeEventListener("change", this.repaint)
      this.watcher?.disconnect()
      this.surroundings?.disconnect()
      clearTimeout(this.patience)
    }

    theme() {
      const said = this.getAttribute("theme")
      return said === "light" || said === "dark" ? said : host_theme(this)
    }

    query() {
      const query = new URLSearchParams()
      for (const {name, value} of this.attributes)
        if (!OWN.includes(name) && !name.startsWith("on") && !name.startsWith("data-") && !name.startsWith("aria-"))
          query.set(name.replaceAll("-", "_"), value)
      return query
    }

    async open() {
      const view = this.getAttribute("view")
      if (!view) return this.refuse("This element names no view: <sales-view view=\"…\">.")
      try {
        const answer = await fetch(new URL("embed/allowed", SERVER), {credentials: "omit"})
        const {allowed, message} = await answer.json()
        if (!allowed) return this.refuse(message)
      } catch {
        return this.refuse(`The sales dashboard at ${SERVER.host} cannot be reached.`)
      }
      const query = this.query()
      query.set("theme", this.theme())
      query.set("host", location.origin)
      const token = this.getAttribute("token")
      if (token) query.set("signed", "1")
      const address = new URL(`embed/${encodeURIComponent(view)}?${query}`, SERVER)
      // After the # so that it reaches no log: the page sends it in a header.
      if (token) address.hash = `token=${token}`
      const frame = document.createElement("iframe")
      frame.title = this.getAttribute("title") ?? view.replaceAll("-", " ")
      frame.style.height = `${parseInt(this.getAttribute("height")) || 420}px`
      frame.style.colorScheme = host_theme(this)
      frame.allow = "fullscreen; clipboard-write"
      frame.referrerPolicy = "origin"
      frame.src = address
      this.shadowRoot.querySelectorAll("iframe, p").forEach((node) => node.remove())
      this.frame = frame
      this.shadowRoot.append(frame)
      clearTimeout(this.patience)
      this.patience = setTimeout(() => {
        if (!this.dataset.state) this.refuse(`The sales dashboard at ${SERVER.host} does not answer.`)
      }, PATIENCE_MS)
    }

    changed(names) {
      if (names.includes("view") || names.includes("token")) {
        delete this.dataset.state
        this.open()
        return
      }
      if (names.includes("theme") || names.includes("class") || names.includes("style")) this.send_theme()
      if (names.some((name) => !OWN.includes(name) && !name.startsWith("data-")))
        this.say({kind: "query", query: String(this.query())})
    }

    send_theme() {
      // Only a frame of the same scheme as its document lets the host page shine through.
      if (this.frame) this.frame.style.colorScheme = host_theme(this)
      this.say({kind: "theme", theme: this.theme()})
    }

    say(message) {
      this.frame?.contentWindow?.postMessage({source: "sales-host", ...message}, SERVER.origin)
    }

    hear(event) {
      if (event.origin !== SERVER.origin || event.source !== this.frame?.contentWindow) return
      const message = event.data
      if (message?.source !== "sales-view") return
      if (message.kind === "ready") {
        this.dataset.state = "ready"
        this.say({kind: "hello"})
        this.send_theme()
      } else if (message.kind === "height" && Number.isFinite(message.height)) {
        this.frame.style.height = `${Math.min(Math.max(message.height, 40), 10000)}px`
      } else if (message.kind === "state") {
        this.dispatchEvent(new CustomEvent("sales-view-change", {detail: {query: message.query}, bubbles: true}))
      } else if (message.kind === "refused") {
        this.refuse(message.message)
      }
    }

    refuse(text) {
      clearTimeout(this.patience)
      this.dataset.state = "refused"
      this.frame?.remove()
      this.shadowRoot.querySelectorAll("p").forEach((node) => node.remove())
      const message = document.createElement("p")
      message.setAttribute("role", "alert")
      message.textContent = text
      this.shadowRoot.append(message)
      this.dispatchEvent(new CustomEvent("sales-view-refused", {detail: {message: text}, bubbles: true}))
    }
  }

  if (!customElements.get("sales-view")) customElements.define("sales-view", SalesView)
})()
