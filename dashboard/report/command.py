"""The command that writes a page as a report."""

from pathlib import Path
from urllib.parse import urlencode

import click

from core.errors import SalesError


@click.command("report")
@click.option(
    "--page", default="overview", show_default=True, metavar="PAGE", help="Page, as in its address."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The HTML file to write."
)
@click.option("--database", metavar="URL", help="Address or SQLite file. [default: SALES_DATABASE_URL]")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="As in the address of the dashboard: country=USA, period=2025-01-01..2025-12-31, …",
)
@click.option("--as-of", metavar="DATE", help="What was known on this day. [default: the latest]")
@click.option("--tab", metavar="TAB", help="Tab of the page. [default: its first]")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True)
def report(
    page: str,
    out: Path,
    database: str | None,
    filters: tuple[str, ...],
    as_of: str | None,
    tab: str | None,
    theme: str,
) -> None:
    """Write a page as one HTML file.

    It opens in a browser without a server and without a network. Charts answer to the pointer; clicks do not
    filter.
    """
    from core.settings import read_settings

    settings = read_settings()
    if database is not None:
        settings.database_url = database
    query = {"page": page} | dict(_pair(text) for text in filters)
    query |= {name: value for name, value in (("as_of", as_of), ("tab", tab)) if value}
    if theme == "dark":
        query["theme"] = theme
    _require_place(out)
    if settings.uses_demo:
        from core.demo import ensure_demo_database
        from dashboard.progress_bar import progress_bar

        with progress_bar("Making the demo") as progress:
            ensure_demo_database(settings, progress)
    from dashboard.current_database import CurrentDatabase
    from dashboard.report.making import make_report

    current = CurrentDatabase(settings)
    try:
        made = make_report(current, "?" + urlencode(query), strict=True)
    finally:
        current.database.close()
    try:
        out.write_text(made.html, encoding="utf-8")
    except OSError as error:
        raise _not_writable(out, error) from error
    click.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip() or name.strip() in ("page", "tab", "theme"):
        raise SalesError(f"{text!r} is no filter.", "Write --filter NAME=VALUE, such as country=USA.")
    return name.strip(), value.strip()


def _require_place(out: Path) -> None:
    """Fail before the work if the file cannot be written."""
    existed = out.exists()
    try:
        with out.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise _not_writable(out, error) from error
    if not existed:
        out.unlink()


def _not_writable(out: Path, error: OSError) -> SalesError:
    return SalesError(f"{out} cannot be written: {error.strerror}.", "Give --out another file.")
