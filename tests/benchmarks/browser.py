"""Headless Chromium without traffic of its own, and what pages are asked once they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1440, "height": 1000}

FOUND = """
  const found = (root, selector, into = []) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.matches(selector)) into.push(node)
      if (node.shadowRoot) found(node.shadowRoot, selector, into)
    }
    return into
  }
"""
"""Finds elements through all shadow roots."""

_WATCH = """
(() => {
  const times = window.__times = {shell: 0, drawn: 0}
  FOUND
  const look = () => {
    if (!times.shell && SHELL) times.shell = performance.now()
    if (DRAWN) requestAnimationFrame(() => requestAnimationFrame(() => { times.drawn = performance.now() }))
    else setTimeout(look, 25)
  }
  look()
})()
"""
_CARDS = """
  found(document, ".figure").length > 0 && found(document, ".sd-card").length > 0
  && found(document, ".sd-card").every((card) => ["ready", "empty", "error"].includes(card.dataset.state)
    && (card.dataset.state !== "ready" || found(card, "canvas, tbody tr").length > 0))
"""
_SHELL = 'found(document, ".sd-figures, .sd-nav").some((node) => node.offsetWidth > 0)'


def _watch(shell: str, drawn: str) -> str:
    return _WATCH.replace("FOUND", FOUND).replace("SHELL", shell).replace("DRAWN", drawn)


OURS = _watch(_SHELL, _CARDS)
"""Notes when the shell and when every card of a page of ours was there."""


def canvases(number: int) -> str:
    """Notes when that many charts of a peer's page were there."""
    charts = 'found(document, ".bk-Figure").filter((node) => found(node.shadowRoot ?? node, "canvas").length)'
    return _watch('found(document, "canvas").length > 0', f"{charts}.length >= {number}")


CHANGE_COUNTRY = """
async ([countries, names]) => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const widget = models.find((m) => [m.label, m.title].includes("Country") && "value" in m.properties)
  const start = performance.now()
  let changed = 0, painted = 0
  const stamp = () => {
    changed = performance.now()
    requestAnimationFrame(() => requestAnimationFrame(() => { painted = performance.now() }))
  }
  const hooks = []
  for (const model of models)
    for (const name of names)
      if (name in model.properties) hooks.push(model.properties[name].change)
  hooks.forEach((hook) => hook.connect(stamp))
  widget.value = countries
  while (performance.now() - start < 20000) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (changed && painted > changed && performance.now() - painted > 600) break
  }
  hooks.forEach((hook) => hook.disconnect(stamp))
  return [changed - start, painted - start]
}
"""
"""Sets the country filter; milliseconds until the last data source (or layout) changed, and was painted."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of the system, or the one that comes with Playwright."""
    system = which("chromium") or which("chromium-browser") or which("google-chrome")
    with sync_playwright() as playwright:
        path = Path(system) if system else None
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def load(page: Page, url: str, watch: str = OURS) -> tuple[float, float]:
    """Go to a page; seconds from navigation until its shell and until everything was drawn."""
    page.add_init_script(watch)
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.__times && window.__times.drawn > 0", timeout=120_000)
    times = page.evaluate("window.__times")
    return times["shell"] / 1000, times["drawn"] / 1000
