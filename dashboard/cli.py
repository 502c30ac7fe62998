"""The command line. Everything heavy is imported by the command that needs it, so that help is instant."""

import json
import re
import shlex
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from core import __version__
from core.errors import IngestError, SalesError
from dashboard.copy_command import copy
from dashboard.embedding.command import embed_token
from dashboard.model_commands import backtest, models, score, train
from dashboard.progress_bar import progress_bar
from dashboard.report.command import report
from dashboard.security.command import user

if TYPE_CHECKING:
    from core.database import Database
    from core.settings import Settings

_SHOWN_PROBLEMS = 20
_MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


class _Refusal(click.ClickException):
    """A SalesError as the command line shows it: the sentence, the remedy below it, no traceback."""

    def __init__(self, error: SalesError) -> None:
        super().__init__(error.message)
        self.error = error

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - as click calls it
        click.echo(f"Error: {self.error.message}", err=True)
        if isinstance(self.error, IngestError) and len(self.error.problems) > 1:
            for problem in self.error.problems[:_SHOWN_PROBLEMS]:
                click.echo(f"    {problem}", err=True)
            hidden = len(self.error.problems) - _SHOWN_PROBLEMS
            if hidden > 0:
                click.echo(f"    … and {hidden} more", err=True)
        if self.error.remedy:
            click.echo(f"  {self.error.remedy}", err=True)


class _Commands(click.Group):
    """A group that suggests the nearest command and shows a SalesError as a sentence."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            nearest = get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f" Did you mean {nearest[0]}?" if nearest else " See sales-dashboard --help."
            raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SalesError as error:
            raise _Refusal(error) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="sales-dashboard %(version)s")
def cli() -> None:
    """Explore sales, query them in SQL, load data of your own.

    Settings come from the environment or a .env file: SALES_DATABASE_URL, SALES_DATA_DIR, SALES_HOST, …
    """


_database = click.option(
    "--database", metavar="URL", help="Address or SQLite file. [default: SALES_DATABASE_URL]"
)


@cli.command()
@click.option("--host", help="Address to listen on. [default: SALES_HOST or 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0 picks one. [default: SALES_PORT or 5006]"
)
@_database
def serve(host: str | None, port: int | None, database: str | None) -> None:
    """Serve the dashboard, or a demo company.

    Without a database the demo that comes with the product is shown.
    """
    from dashboard.server import serve as run

    settings = _settings(database, host=host, port=port)
    _refuse_other_files(settings)
    run(settings)


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@_database
@click.option("--append", is_flag=True, help="Add to tables that exist instead of replacing them.")
@click.option("--table", metavar="NAME", help="Load everything into this table.")
@click.option(
    "--types",
    multiple=True,
    metavar="COLUMN=TYPE[,…]",
    help="Types of columns: text, integer, number, date, datetime or boolean, with the way of writing where "
    "needed: 'day=date %d/%m/%Y,zip=text'. TABLE.COLUMN if several tables are loaded.",
)
def ingest(
    paths: tuple[Path, ...], database: str | None, append: bool, table: str | None, types: tuple[str, ...]
) -> None:
    """Load files or folders: all of it or nothing.

    Formats: CSV and TSV (and other delimited text), Excel (.xlsx), Parquet, SQLite files, and MySQL dumps
    (.sql). Text may be compressed with gzip (.gz).

    Files named after Classic Models tables (customers, orders, orderdetails, …) are checked against their
    declared types and keys; any other file becomes a table of its own with inferred types.
    """
    from core.ingest import ingest as load

    settings = _settings(database)
    url = _own_database(settings)
    _spare_the_demo(settings, url)
    chosen = _types(types, paths, table)
    if settings.database_url:
        _require_folder(url)
    with progress_bar("Loading") as progress:
        report = load(paths, url, append=append, table=table, types=chosen, progress=progress)
    for loaded in report.tables:
        click.echo(f"{loaded.name:<24}{loaded.rows:>12,} rows  from {', '.join(loaded.sources)}")
    for note in report.notes:
        click.echo(f"Note: {note}.", err=True)
    click.echo(f"{report.rows:,} rows in {report.seconds:.1f} s.")
    if not settings.database_url:
        click.echo(f"They are in {url}; show them with:\n  SALES_DATABASE_URL={url} sales-dashboard serve")


@cli.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the CSV files."
)
@click.option(
    "--customers", type=click.IntRange(1), default=500, show_default=True, help="Number of customers."
)
@click.option("--years", type=click.IntRange(1), default=3, show_default=True, help="Years of orders.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same company.")
@click.option(
    "--world",
    default="bgnbd",
    show_default=True,
    metavar="NAMES",
    help="Variants joined by commas: rhythm, covariates, shocks, launches, bundles, substitution, drift, "
    "cancelled, lostpayments, noise.",
)
@click.option("--overwrite", is_flag=True, help="Replace tables that are in the folder.")
def generate(out: Path, customers: int, years: int, seed: int, world: str, overwrite: bool) -> None:
    """Write a made-up company as CSV files.

    The truth about its customers goes to a folder beside them. A million customers over two years have about
    fifty million order lines.
    """
    from core.generate import generate_company

    with progress_bar("Generating") as progress:

        def tell(done: int, total: int) -> None:
            progress(f"customer {done:,}", done / max(1, total))

        made = generate_company(
            out,
            customers=customers,
            years=years,
            seed=seed,
            world=world,
            progress=tell,
            overwrite=overwrite,
        )
    for name, rows in made.rows.items():
        click.echo(f"{name:<24}{rows:>12,} rows")
    click.echo(f"The tables are in {made.folder}; load them with:\n  sales-dashboard ingest {made.folder}")


@cli.command()
@_database
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def doctor(database: str | None, form: str) -> None:
    """Check the database and say what is wrong.

    Examined are connection, tables, keys, references, ranges and freshness.

    The exit status is 1 if something is wrong, 0 otherwise (also with warnings).
    """
    from core.database import open_database, shown_url
    from core.doctor import examine

    settings = _settings(database)
    if settings.uses_demo:
        from core.demo import ensure_demo_database

        with progress_bar("Making the demo") as progress:
            ensure_demo_database(settings, progress)
    with open_database(settings.resolved_database_url) as opened:
        findings = examine(opened, settings)
    failed = any(finding.severity == "error" for finding in findings)
    if form == "json":
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        click.echo(f"Examined {shown_url(settings.resolved_database_url)}")
        for finding in findings:
            click.echo(f"{_MARKS[finding.severity]}  {finding.check:<16}  {finding.message}")
            if finding.remedy:
                click.echo(f"{'':<27}{finding.remedy}")
    sys.exit(1 if failed else 0)


@cli.command()
@click.argument("sql")
@_database
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "parquet"]),
    default="table",
    show_default=True,
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Value of a :NAME parameter.")
@click.option(
    "--max-rows", type=click.IntRange(1), help="Most rows. [default: 200 on the screen, else 1000000]"
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Stop the query after this time.",
)
def query(
    sql: str,
    database: str | None,
    form: str,
    out: Path | None,
    params: tuple[str, ...],
    max_rows: int | None,
    max_seconds: float,
) -> None:
    """Run one SELECT, or a query of the product by its name.

    SQL is the text, the name of a query such as eda/revenue_by_month, or - to read standard input. Whatever
    is typed can only read. Ctrl-C stops the query. The exit status is 0 only if the rows were written.
    """
    from core.adhoc.command import answer, limits_for, parameters, told
    from core.database import open_database

    text = sys.stdin.read() if sql == "-" else sql
    settings = _settings(database)
    if settings.uses_demo:
        from core.demo import ensure_demo_database

        with progress_bar("Making the demo") as progress:
            ensure_demo_database(settings, progress)
    with open_database(settings.resolved_database_url) as opened:
        limits = limits_for(form, out, max_rows, max_seconds)
        result = answer(opened, text, form, out, limits, parameters(params))
    click.echo(told(result), err=True)


def _mapped(name: str, meaning: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", metavar="COL", help=meaning)


@cli.command("map")
@click.argument("table")
@_database
@_mapped("customer-id", "Who bought.")
@_mapped("order-date", "When.")
@_mapped("order-id", "Order number. [default: one order per customer and day]")
@_mapped("product-id", "What was bought. [default: the product line]")
@_mapped("product-name", "Its name.")
@_mapped("product-line", "Its group or category.")
@_mapped("quantity", "Pieces.")
@_mapped("unit-price", "Price of one piece.")
@_mapped("amount", "Amount of the line. [default: quantity times unit price]")
@_mapped("unit-cost", "What one piece costs the company.")
@_mapped("customer-name", "Name of the customer.")
@_mapped("country", "Country or region of the customer.")
@_mapped("status", "Order status; cancelled orders are no revenue.")
@click.option("--check", is_flag=True, help="Count and report, store nothing.")
@click.option("--sql", "show_sql", is_flag=True, help="Print the SQL of the staging views.")
def map_table(table: str, database: str | None, check: bool, show_sql: bool, **columns: str | None) -> None:
    """Say which columns of TABLE are sales.

    One flat table of order lines is enough for every chart of sales. Without columns a command is suggested.
    The mapping is stored in the database as views that can be read, changed and versioned.
    """
    from core.database import open_database
    from core.mapping import Mapping, MappingError, staging_views, store_mapping, validate_mapping

    settings = _settings(database)
    url = _own_database(settings)
    chosen = {field: column for field, column in columns.items() if column}
    with open_database(url) as opened:
        if not chosen:
            raise MappingError("No columns were given.", _suggested(opened, table))
        mapping = Mapping.of(sales=(table, chosen))
        validation = validate_mapping(opened, mapping)
        if show_sql and validation.ok:
            for text in staging_views(mapping, opened.tables(), opened.engine).values():
                click.echo(text)
        for finding in validation.findings:
            if finding.severity != "error":
                click.echo(f"{_MARKS.get(finding.severity, 'note   ')}  {finding.message}", err=True)
        validation.require_ok()
        counts = validation.counts
        if counts is not None:
            click.echo(
                f"{counts.lines:,} order lines of {counts.rows:,} rows, {counts.orders:,} orders, "
                f"{counts.customers:,} customers, {counts.products:,} products, revenue "
                f"{settings.currency} {counts.revenue:,.2f}, {counts.first_day} to {counts.last_day}."
            )
        if check:
            click.echo("Nothing was stored.")
            return
        store_mapping(opened, mapping)
    click.echo(f"{table} is mapped in {url}; show it with:\n  SALES_DATABASE_URL={url} sales-dashboard serve")


def _suggested(database: "Database", table: str) -> str:
    """The ``map`` command that the names and types of a table's columns suggest."""
    from core.mapping import Mapping, suggest_columns
    from core.mapping.shape import resolved

    tables = database.tables()
    name = resolved(Mapping.of(sales=(table, {})), tables).tables[0].table
    found = suggest_columns("sales", next(other for other in tables if other.name == name))
    options = " ".join(
        f"--{field.replace('_', '-')} {shlex.quote(column)}" for field, column in found.items()
    )
    return (
        f"Perhaps: sales-dashboard map {shlex.quote(name)} {options or '--customer-id COL --order-date COL'}"
    )


def _own_database(settings: "Settings") -> str:
    """The address given, or that of the user's own database."""
    return settings.database_url or f"sqlite:///{settings.data_folder / 'company.sqlite'}"


def _settings(database: str | None, **others: object) -> "Settings":
    """The settings of the environment with those given on the command line over them."""
    from core.settings import read_settings

    settings = read_settings()
    given = {"database_url": database, **others}
    settings.param.update(**{name: value for name, value in given.items() if value is not None})
    return settings


def _refuse_other_files(settings: "Settings") -> None:
    """Fail now if the database is a file of another kind; one that is not there yet may come."""
    if settings.uses_demo:
        return
    from core.database import database_path, is_server, open_database

    if is_server(settings.database_url) or database_path(settings.database_url).exists():
        open_database(settings.database_url).close()


def _require_folder(url: str) -> None:
    """Make sure that the folder of a database exists: it is made only if a person says so."""
    from core.database import database_path, is_server

    if is_server(url):
        return
    folder = database_path(url).absolute().parent
    if folder.is_dir():
        return
    message = f"There is no folder {folder} for the database."
    if not _asks() or not click.confirm(f"{message} Create it?", err=True):
        raise IngestError(message, f"Create it: mkdir -p {shlex.quote(str(folder))}")
    folder.mkdir(parents=True)


def _asks() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty()


def _types(
    given: tuple[str, ...], paths: tuple[Path, ...], table: str | None
) -> dict[str, dict[str, str]] | None:
    """The types of ``--types`` by table and column."""
    from core.ingest.files import find_sources

    pairs = [pair.partition("=") for text in given for pair in re.split(r",(?=[^,=]+=)", text)]
    if not pairs:
        return None
    loaded = list(find_sources(list(paths), table))
    chosen: dict[str, dict[str, str]] = {}
    for name, equals, kind in pairs:
        of_table, _, column = name.strip().rpartition(".")
        if not equals or not column or not kind.strip():
            raise IngestError(f"{name!r} gives no type to a column.", "Write --types COLUMN=TYPE.")
        if not of_table and len(loaded) > 1:
            raise IngestError(
                f"The column {column} may be of any of the tables {', '.join(loaded)}.",
                f"Write --types TABLE.{column}={kind.strip()}",
            )
        chosen.setdefault(of_table or loaded[0], {})[column] = kind.strip()
    return chosen


def _spare_the_demo(settings: "Settings", url: str) -> None:
    from core.database import database_path, is_server

    if is_server(url):
        return
    if database_path(url).absolute() == (settings.data_folder / "demo.sqlite").absolute():
        raise IngestError("The demo database is not loaded into.", "Give another file with --database.")


for _command in (copy, train, score, backtest, models, user, embed_token, report):
    cli.add_command(_command)


def main() -> NoReturn:
    """The entry point ``sales-dashboard``."""
    cli(prog_name="sales-dashboard")
    raise SystemExit(0)


if __name__ == "__main__":
    main()
