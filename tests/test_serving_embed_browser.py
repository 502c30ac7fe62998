"""Views in a page of another site: by script and by iframe, used, themed, and refused."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.embedding.tokens import issue_token
from tests.conftest import RunningServer, ServeFunction
from tests.other_site import Site, other_site

KEY = "a key of this test that is long enough to sign"
PATIENCE = 60_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with other_site(tmp_path_factory.mktemp("host")) as served:
        yield served


@pytest.fixture(scope="module")
def signed(serve: ServeFunction, site: Site) -> RunningServer:
    """A server that shows views with tokens, to one site."""
    return serve(SALES_EMBED="signed", SALES_EMBED_KEY=KEY, SALES_EMBED_ORIGINS=site.url)


@pytest.fixture
def host(browser: Browser) -> Iterator[Page]:
    """A page whose console must stay clean."""
    context = browser.new_context(viewport={"width": 1100, "height": 1400})
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda said: (
            complaints.append(said.text)
            if said.type in ("error", "warning") and "GPU stall" not in said.text
            else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert not complaints


def token_for(*views: str, **pins: str) -> str:
    return issue_token(KEY.encode(), views, pins, hours=1)


def test_three_views_by_both_ways_are_used_in_another_site(
    host: Page, site: Site, signed: RunningServer
) -> None:
    timeline = token_for("revenue-timeline", country="USA")
    lines, figures = token_for("revenue-by-product-line"), token_for("key-figures", country="USA")
    path = site.write(
        "three.html",
        f'<script src="{signed.url}/embed.js" async></script>'
        f'<sales-view id="one" view="revenue-by-product-line" token="{lines}" theme="light"></sales-view>'
        f'<sales-view id="two" view="key-figures" token="{figures}"></sales-view>'
        f'<iframe id="three" src="{signed.url}/embed/revenue-timeline?signed=1#token={timeline}" '
        'width="100%" height="300"></iframe>',
    )
    host.goto(site.url + path)
    one, three = host.frame_locator("#one iframe"), host.frame_locator("#three")
    expect(one.locator(".sd-card")).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    expect(host.frame_locator("#two iframe").locator(".figure").first).to_be_visible(timeout=PATIENCE)
    expect(three.locator(".sd-card")).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    expect(three.locator(".status")).to_contain_text("Country: USA")

    # the height of the element is that of its view, which is less than what it began with for key figures
    expect(host.locator("#two")).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    host.wait_for_function(
        "document.querySelector('#two').shadowRoot.querySelector('iframe').style.height !== '420px'"
    )

    # a click within the view filters it, and the host is told
    host.evaluate(
        "document.querySelector('#one').addEventListener('sales-view-change',"
        " (event) => { window.told = event.detail.query })"
    )
    frame = one.locator(".bk-CartesianFrame").first.bounding_box()
    assert frame is not None
    host.mouse.click(frame["x"] + 22, frame["y"] + frame["height"] * 0.5 / 7)  # the largest product line
    expect(one.locator('.chip[data-key="product_line"]')).to_have_count(1, timeout=PATIENCE)
    host.wait_for_function("(window.told ?? '').startsWith('product_line=')", timeout=PATIENCE)

    # the theme and the filters follow the attributes
    host.evaluate("document.querySelector('#one').setAttribute('theme', 'dark')")
    expect(one.locator("html")).to_have_attribute("data-theme", "dark", timeout=PATIENCE)
    host.evaluate("document.querySelector('#one').setAttribute('country', 'France')")
    expect(one.locator('.chip[data-key="country"]')).to_contain_text("France", timeout=PATIENCE)


def test_what_a_token_fixes_cannot_be_widened_by_the_host(
    host: Page, site: Site, signed: RunningServer
) -> None:
    path = site.write(
        "widen.html",
        f'<script src="{signed.url}/embed.js" async></script>'
        f'<sales-view view="revenue-timeline" token="{token_for("revenue-timeline", country="USA")}">'
        "</sales-view>",
    )
    host.goto(site.url + path)
    view = host.frame_locator("sales-view iframe")
    expect(view.locator(".sd-card")).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    host.evaluate("document.querySelector('sales-view').setAttribute('country', 'France')")
    expect(view.get_by_role("alert")).to_contain_text(
        "The embed token fixes country to USA; the address asks for France", timeout=PATIENCE
    )
    expect(view.locator(".status")).to_contain_text("Country: USA")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("revenue-timeline?signed=1&country=France#token={good}", "the address asks for France"),
        ("key-figures?signed=1#token={good}", "The embed token is for other views than 'key-figures'"),
        ("revenue-timeline?signed=1#token={altered}", "The embed token is not valid"),
        ("revenue-timeline?signed=1#token={expired}", "The embed token has expired"),
        ("revenue-timeline", "This view is shown with an embed token only"),
    ],
)
def test_refusals_say_why(browser: Browser, signed: RunningServer, address: str, said: str) -> None:
    good = token_for("revenue-timeline", country="USA")
    body, signature = good.rsplit(".", 1)
    altered = f"{body}.{signature[:-4]}AAAA"
    expired = issue_token(KEY.encode(), ["revenue-timeline"], {}, hours=0.0001)
    time.sleep(1.5 if "{expired}" in address else 0)  # tokens count whole seconds
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{signed.url}/embed/" + address.format(good=good, altered=altered, expired=expired))
    expect(page.get_by_role("alert")).to_contain_text(said, timeout=PATIENCE)
    expect(page.locator(".sd-card")).to_have_count(0)
    context.close()


def test_a_site_that_is_not_allowed_is_told_so(host: Page, site: Site, signed: RunningServer) -> None:
    path = site.write(
        "foreign.html",
        f'<script src="{signed.url}/embed.js" async></script>'
        f'<sales-view view="key-figures" token="{token_for("key-figures")}"></sales-view>',
    )
    host.goto(site.foreign + path)
    expect(host.locator("sales-view p")).to_contain_text(f"does not allow {site.foreign}", timeout=PATIENCE)
    expect(host.locator("sales-view iframe")).to_have_count(0)


def test_a_full_server_says_so_in_the_page_of_the_other_site(
    browser: Browser, serve: ServeFunction, site: Site
) -> None:
    server = serve(SALES_EMBED_ORIGINS=site.url, SALES_MAX_EMBEDS="1")
    path = site.write(
        "full.html",
        f'<script src="{server.url}/embed.js" async></script>'
        '<sales-view id="one" view="key-figures"></sales-view>',
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url + path)
    expect(page.frame_locator("#one iframe").locator(".figure").first).to_be_visible(timeout=PATIENCE)
    said = (
        "As many of these views are open as the server shows at the same time. Reload the page in a minute."
    )
    add = "(tag) => document.body.insertAdjacentHTML('beforeend', tag)"
    page.evaluate(add, "<sales-view id=two view=revenue-timeline></sales-view>")
    expect(page.locator("#two p")).to_have_text(said, timeout=PATIENCE)
    expect(page.locator("#two iframe")).to_have_count(0)
    page.evaluate(add, f"<iframe id=three src={server.url}/embed/revenue-timeline></iframe>")
    expect(page.frame_locator("#three").get_by_role("alert")).to_have_text(said, timeout=PATIENCE)
    # what was there goes on
    expect(page.frame_locator("#one iframe").locator(".figure").first).to_be_visible()
    context.close()


def test_a_dark_page_shines_through(browser: Browser, site: Site, signed: RunningServer) -> None:
    token = token_for("key-figures")
    path = site.write(
        "dark.html",
        '<body style="background: #182430">'
        f'<script src="{signed.url}/embed.js" async></script>'
        f'<sales-view view="key-figures" token="{token}"></sales-view>'
        f'<iframe id="plain" src="{signed.url}/embed/key-figures?signed=1&theme=dark#token={token}">'
        "</iframe>",
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url + path)
    clear = "rgba(0, 0, 0, 0)"
    for place, ground in (("sales-view iframe", clear), ("#plain", "rgb(17, 22, 28)")):
        root = page.frame_locator(place).locator("html")
        expect(root).to_have_attribute("data-theme", "dark", timeout=PATIENCE)
        expect(root).to_have_css("background-color", ground)
    # browsers paint a ground of their own where the schemes of frame and document differ
    expect(page.locator("sales-view iframe")).to_have_css("color-scheme", "dark")
    context.close()
