"""What a page loads before it draws is looked up once and is what Panel would have looked up."""

import pytest
from bokeh.embed.bundle import URL
from panel.io.resources import Resources, bundle_resources

from dashboard import page_bundle


def _resources() -> Resources:
    return Resources(mode="server", root_url="/")


def test_the_kept_bundle_is_the_one_that_panel_makes() -> None:
    expected = bundle_resources([], _resources())
    for _ in range(2):
        kept = page_bundle.kept_bundle(None, _resources())
        assert list(kept) == list(expected)  # the tags for scripts and for styles
        assert any("panel" in str(url) for url in kept.js_files)


def test_files_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    page_bundle.prepare_bundle()

    def again(*_: object, **__: object) -> None:
        raise AssertionError("looked for again")

    monkeypatch.setattr(page_bundle, "bundle_resources", again)
    page_bundle.kept_bundle(None, _resources())
    with pytest.raises(AssertionError, match="looked for again"):
        page_bundle.kept_bundle(None, Resources(mode="server", root_url="/behind-a-proxy/"))


def test_what_is_added_to_one_page_stays_there() -> None:
    first = page_bundle.kept_bundle(None, _resources())
    first.js_files.append(URL("only-here.js"))
    first.css_raw.append("only-here")
    second = page_bundle.kept_bundle(None, _resources())
    assert "only-here" not in "".join(second)
