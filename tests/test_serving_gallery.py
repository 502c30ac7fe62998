"""The page Embed in a browser: previews, what is pasted, and what the tokens of previews allow."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.embedding.tokens import Claims, read_token
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
    """A server whose views need tokens."""
    return serve(SALES_EMBED="signed", SALES_EMBED_KEY=KEY, SALES_EMBED_ORIGINS=site.url)


@dataclass
class Watched:
    """A browser window, and what its console complained about."""

    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def open(self, url: str) -> Page:
        """A page whose console must stay clean."""
        page = self.context.new_page()
        page.on("console", lambda said: self._heard(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(url)
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "GPU stall" not in text:
            self.complaints.append(text)


@pytest.fixture
def window(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    watched = Watched(context)
    yield watched
    context.close()
    assert not watched.complaints


def preview(page: Page, slug: str) -> Page:
    """The card of a view is brought into sight; its preview has to be filled."""
    card = page.locator(f'article[data-slug="{slug}"]')
    card.scroll_into_view_if_needed()
    expect(card.frame_locator("iframe").locator(".sd-card, .figure").first).to_be_visible(timeout=PATIENCE)
    return page


def claims_of(page: Page, slug: str) -> Claims:
    """What the token of a preview allows."""
    source = page.locator(f'article[data-slug="{slug}"] iframe').get_attribute("src") or ""
    return read_token(KEY.encode(), source.partition("#token=")[2])


def test_previews_fill_and_their_tokens_allow_no_more_than_they_show(
    window: Watched, signed: RunningServer
) -> None:
    page = window.open(f"{signed.url}/?page=gallery&country=USA&as_of=2026-01-15")
    for slug, fixed in (
        ("revenue-timeline", {"country": "USA", "as_of": "2026-01-15"}),
        ("country-map", {"country": "USA", "as_of": "2026-01-15"}),
        ("revenue-by-country", {"as_of": "2026-01-15"}),  # shows all countries, whichever is chosen
    ):
        preview(page, slug)
        claims = claims_of(page, slug)
        assert claims.views == (slug,)
        assert claims.pins == fixed
        assert 0 < claims.expires - time.time() <= 601

    # the same view alone has a token that allows as little
    with window.context.expect_page(timeout=PATIENCE) as opened:
        page.locator('article[data-slug="country-map"]').get_by_role("button", name="Open alone").click()
    alone = opened.value
    expect(alone.locator(".sd-card")).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    allowed = read_token(KEY.encode(), alone.url.partition("#token=")[2])
    assert (allowed.views, allowed.pins) == (("country-map",), {"country": "USA", "as_of": "2026-01-15"})

    # with other filters, previews are limited to those
    page.goto(f"{signed.url}/?page=gallery&country=France")
    preview(page, "revenue-timeline")
    assert claims_of(page, "revenue-timeline").pins == {"country": "France"}


def test_what_is_copied_works_in_a_page_of_another_site(
    window: Watched, signed: RunningServer, site: Site
) -> None:
    window.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=signed.url)
    page = window.open(f"{signed.url}/?page=gallery&country=USA")
    page.get_by_label("Search views").fill("revenue-timeline")
    card = preview(page, "revenue-timeline").locator('article[data-slug="revenue-timeline"]')
    expect(page.locator(".count")).to_have_text("1 view")
    card.get_by_role("button", name="Embed …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("pre").first).to_contain_text("TOKEN FROM YOUR SERVER")
    dialog.get_by_label("Hours").fill("2")
    dialog.get_by_role("button", name="Issue a token").click()
    expect(dialog).to_contain_text("This token fixes: Country: USA", timeout=PATIENCE)
    pasted = []
    for number in range(2):
        dialog.get_by_role("button", name="Copy").nth(number).click()
        expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
        pasted.append(page.evaluate("navigator.clipboard.readText()"))
        expect(dialog.get_by_role("button", name="Copied")).to_have_count(0)
    assert "<sales-view" in pasted[0]
    assert "<iframe" in pasted[1]

    other = window.open(site.url + site.write("pasted.html", "".join(pasted)))
    for frame in (other.frame_locator("sales-view iframe"), other.frame_locator("body > iframe")):
        expect(frame.locator(".sd-card")).to_have_attribute("data-state", "ready", timeout=PATIENCE)
        expect(frame.locator(".status")).to_contain_text("Country: USA")


def test_previews_go_on_while_the_page_is_used_and_rest_when_it_is_not(
    window: Watched, serve: ServeFunction
) -> None:
    server = serve(
        SALES_EMBED="signed",
        SALES_EMBED_KEY=KEY,
        first="import dashboard.pages.gallery as gallery; gallery.PREVIEW_SECONDS = 20",
    )
    page = window.open(f"{server.url}/?page=gallery")
    page.get_by_label("Search views").fill("key-figures")
    stage = preview(page, "key-figures").locator('article[data-slug="key-figures"] .stage')
    frame = stage.locator("iframe")
    first = frame.get_attribute("src") or ""
    page.mouse.move(300, 300)
    page.mouse.move(310, 320)
    expect(frame).not_to_have_attribute("src", first, timeout=PATIENCE)
    assert (
        claims_of(page, "key-figures").expires
        > read_token(KEY.encode(), first.partition("#token=")[2]).expires
    )
    expect(stage).to_contain_text("Paused", timeout=PATIENCE)  # nobody has moved since
    page.mouse.move(400, 400)
    expect(stage.frame_locator("iframe").locator(".figure").first).to_be_visible(timeout=PATIENCE)
