"""The command that copies a database to another."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashboard.progress_bar import progress_bar

if TYPE_CHECKING:
    from core.transfer import CopyReport


@click.command("copy")
@click.option(
    "--from", "source", metavar="URL", help="Copy from here. [default: SALES_DATABASE_URL, else the demo]"
)
@click.option("--to", "target", metavar="URL", required=True, help="Copy to here.")
@click.option("--tables", metavar="A,B,…", default="", help="Only these tables. [default: all]")
@click.option("--replace", is_flag=True, help="Replace tables of the same names that are there.")
@click.option("--restart", is_flag=True, help="Begin anew where an earlier copy was broken off.")
@click.option(
    "--verify/--no-verify", default=True, help="Read everything back and compare. [default: verify]"
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def copy(
    source: str | None, target: str, tables: str, replace: bool, restart: bool, verify: bool, form: str
) -> None:
    """Copy a database to another, of whatever engine.

    Tables come with their rows, types and keys, and with the mapping. They take their places all at once when
    everything is there and the same; what fails before leaves the target as it was. The same command goes on
    where it was broken off.

    Addresses: sqlite:////data/company.sqlite, duckdb:////data/company.duckdb, parquet:////data/folder,
    postgresql://user@host/database and so on. Passwords may be given in SALES_FROM_PASSWORD and
    SALES_TO_PASSWORD instead of the address.
    """
    from core.settings import read_settings
    from core.transfer import CopyOptions, copy_database, with_password

    settings = read_settings()
    if source is None and settings.uses_demo:
        from core.demo import ensure_demo_database

        with progress_bar("Making the demo") as progress:
            ensure_demo_database(settings, progress)
    from_url = with_password(
        source or settings.resolved_database_url,
        os.environ.get("SALES_FROM_PASSWORD", ""),
        settings.database_url,
    )
    to_url = with_password(target, os.environ.get("SALES_TO_PASSWORD", ""), settings.database_url)
    options = CopyOptions(
        tables=tuple(name for name in tables.split(",") if name.strip()),
        replace=replace,
        restart=restart,
        verify=verify,
        demo=Path(settings.data_folder / "demo.sqlite"),
    )
    try:
        with progress_bar("Copying") as progress:
            report = copy_database(
                from_url, to_url, options, lambda state: progress(str(state), state.fraction)
            )
    except KeyboardInterrupt:
        click.echo(
            "The copy was broken off; the tables of the target are as they were.\n"
            "  The same command goes on from here; with --restart it begins anew.",
            err=True,
        )
        raise SystemExit(130) from None
    _tell(report, form)


def _tell(report: "CopyReport", form: str) -> None:
    if form == "json":
        click.echo(json.dumps(asdict(report) | {"rows": report.rows, "verified": report.verified}, indent=2))
        return
    width = max(len(table.name) for table in report.tables)
    for table in report.tables:
        checked = "checksum ok" if table.verified else "not compared"
        more = ", copied before" if table.continued else ", replaced" if table.replaced else ""
        click.echo(f"{table.name:<{width}}  {table.rows:>12,} rows  {checked}  {table.seconds:>7.1f} s{more}")
    for view in report.views:
        click.echo(f"{view:<{width}}  {'view':>12}")
    for note in report.notes:
        click.echo(f"Note: {note}.", err=True)
    click.echo(f"{report.rows:,} rows from {report.source} to {report.target} in {report.seconds:.1f} s.")
