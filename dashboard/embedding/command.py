"""The command that issues embed tokens."""

from typing import Any

import click

from core.errors import SalesError


@click.command("embed-token")
@click.option("--view", "views", multiple=True, required=True, metavar="VIEW", help="A view, or * for all.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="What is fixed: country=USA, period=2025-01-01..2025-12-31, as_of=2025-06-30, …",
)
@click.option("--hours", type=float, default=24.0, show_default=True, help="How long it is good for.")
@click.option("--url", metavar="URL", help="Address of the dashboard, for the snippets.")
@click.option("--snippets", is_flag=True, help="Print what is pasted into a page, too.")
def embed_token(
    views: tuple[str, ...], filters: tuple[str, ...], hours: float, url: str | None, snippets: bool
) -> None:
    """Issue a token with which views can be shown in another site.

    Whoever shows it sees these views with what is fixed, until it expires, and nothing else. It is signed
    with SALES_EMBED_KEY, or with the secret of this installation.
    """
    from core.settings import read_settings
    from dashboard.embedding.catalogue import embeddable
    from dashboard.embedding.issuing import checked_token
    from dashboard.embedding.snippets import iframe_snippet, script_snippet

    settings = read_settings()
    pins = dict(_pair(text) for text in filters)
    token = checked_token(settings, views, pins, hours=hours)
    click.echo(token)
    if not snippets:
        return
    base = (url or settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/") + "/"
    for slug in views if "*" not in views else ("key-figures",):
        view = embeddable()[slug]
        title = view.title.replace("{currency}", settings.currency)
        click.echo(f"\n{script_snippet(base, slug, {}, token)}")
        click.echo(f"\n{iframe_snippet(base, slug, title, view.height, {}, token)}")


def _pair(text: str) -> tuple[Any, Any]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise SalesError(f"{text!r} fixes nothing.", "Write --filter NAME=VALUE.")
    return name.strip(), value.strip()
