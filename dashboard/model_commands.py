"""The commands that train, use and judge models."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import SalesError
from core.tasks import TASKS
from dashboard.progress_bar import progress_bar

if TYPE_CHECKING:
    import polars as pl

    from core.database import Database
    from core.evaluation import Evaluation
    from core.model_store import ModelStore
    from core.settings import Settings

_FORMATS = ("table", "json", "csv", "parquet")


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_DATABASE = click.option(
    "--database", metavar="URL", help="Database address. [default: SALES_DATABASE_URL, else the demo]"
)
_AS_OF = click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Only what was known before this day counts. "
    "[default: the day after the last order]",
)  # fmt: skip
_HORIZON = click.option(
    "--horizon", type=click.IntRange(1, 730), default=90, show_default=True, help="Days that are predicted."
)
_FORMAT = click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)
_OUT = click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")


def _task(*, every: bool) -> Callable[[Any], Any]:
    choices = [*TASKS, "all"] if every else list(TASKS)
    return click.option("--task", type=click.Choice(choices), required=True, help="What to predict.")


@click.command()
@_options(
    _task(every=True),
    _DATABASE,
    _AS_OF,
    _HORIZON,
    click.option(
        "--distributed/--one-machine",
        default=None,
        help="Whether the workers of Spark train. [default: where one machine could not read all customers]",
    ),
)
def train(
    task: str, database: str | None, as_of: dt.datetime | None, horizon: int, distributed: bool | None
) -> None:
    """Train models and store them.

    The model of a task that was trained last is the one in use. A task that the data cannot support is
    reported and leaves the others; the exit status is then 1.
    """
    from core.jobs import train_model

    failed = False
    with _opened(database) as (settings, opened, store):
        for name in TASKS if task == "all" else (task,):
            try:
                with progress_bar(f"Training {name}") as progress:
                    version = train_model(
                        opened,
                        store,
                        name,
                        as_of=as_of.date() if as_of else None,
                        horizon=horizon,
                        terms_days=settings.payment_terms_days,
                        progress=progress,
                        distributed=distributed if task != "all" or name in ("churn", "spend") else None,
                    )
            except SalesError as error:
                if task != "all":
                    raise
                failed = True
                click.echo(f"{name}: {error}", err=True)
                continue
            card = version.card
            click.echo(
                f"{name}: {card.champion}, {card.badge} "
                f"({card.events:,} events in {card.trained_rows:,} rows), version {version.version}"
            )
            for note in card.notes:
                click.echo(f"  {note}")
    sys.exit(1 if failed else 0)


@click.command()
@_options(_task(every=True), _DATABASE, _AS_OF, _FORMAT, _OUT)
def score(task: str, database: str | None, as_of: dt.datetime | None, form: str, out: Path | None) -> None:
    """Score customers with the models in use.

    The scores are stored in the tables scores_churn, scores_spend and so on, and can be queried there.
    """
    from core.jobs import score_customers, score_table

    tasks = TASKS if task == "all" else (task,)
    if out and len(tasks) > 1:
        raise click.UsageError("--out takes the scores of one task, not of all.")
    failed = False
    with _opened(database) as (settings, opened, store):
        for name in tasks:
            try:
                with progress_bar(f"Scoring {name}") as progress:
                    rows = score_customers(
                        opened,
                        store,
                        name,
                        as_of=as_of.date() if as_of else None,
                        terms_days=settings.payment_terms_days,
                        currency=settings.currency,
                        progress=progress,
                    )
            except SalesError as error:
                if task != "all":
                    raise
                failed = True
                click.echo(f"{name}: {error}", err=True)
                continue
            if form != "table" or out:
                _print(rows, form, out)
            click.echo(f"{name}: {rows.height:,} rows in {score_table(name)}", err=True)
    sys.exit(1 if failed else 0)


@click.command()
@_options(
    _task(every=False),
    _DATABASE,
    _HORIZON,
    click.option("--cutoffs", metavar="D1,D2,…", help="Days at which to predict. [default: the latest few]"),
    _FORMAT,
    _OUT,
    click.option("--store/--no-store", default=True, help="Keep the tables for the Models page."),
)
def backtest(
    task: str,
    database: str | None,
    horizon: int,
    cutoffs: str | None,
    form: str,
    out: Path | None,
    store: bool,
) -> None:
    """Judge the models of a task at past dates.

    At each cutoff models are trained on what was known before it and judged on what happened after, beside
    baselines. Figures are per cutoff and averaged, with 95 % intervals from a bootstrap over customers;
    differences are paired.
    """
    from core.jobs import backtest_task

    days = _dates(cutoffs)
    with (
        _opened(database, write=store) as (settings, opened, _store),
        progress_bar("Backtesting") as progress,
    ):
        found = backtest_task(
            opened,
            task,
            horizon=horizon,
            cutoffs=days,
            terms_days=settings.payment_terms_days,
            write=store,
            progress=progress,
        )
    if form == "table" and not out:
        _tell(found)
    elif form == "json":
        _write(json.dumps({"task": task, "horizon": horizon} | found.as_dict(), indent=2), out)
    else:
        _print(found.scores, form, out)


@click.command()
@_options(
    _DATABASE,
    click.option("--task", type=click.Choice(TASKS), help="Only this task."),
    click.option("--activate", metavar="VERSION", help="Use this version of the task from now on."),
)
def models(database: str | None, task: str | None, activate: str | None) -> None:
    """List trained models, or go back to an earlier one."""
    from core.days import to_date

    if activate and not task:
        raise click.UsageError("--activate needs --task.")
    with _opened(database) as (_settings, _opened_database, store):
        if activate and task:
            store.activate(task, activate)
        found = [version for name in ([task] if task else TASKS) for version in store.versions(name)]
    if not found:
        click.echo("No models were trained yet. Train them with: sales-dashboard train --task all")
    for version in found:
        card = version.card
        mark = "in use" if version.active else ""
        click.echo(
            f"{version.task:<10} {version.version:<34} {mark:<7} as of {to_date(card.as_of_day)}, "
            f"{card.horizon_days} days: {card.champion}, {card.badge}"
        )


@contextmanager
def _opened(database: str | None, *, write: bool = True) -> "Iterator[tuple[Settings, Database, ModelStore]]":
    """Settings, database and model store; the demo is made if there is no other database."""
    from core.database import open_database
    from core.model_store import open_model_store
    from core.settings import read_settings

    settings = read_settings()
    if database:
        settings.database_url = database
    if settings.uses_demo:
        from core.demo import ensure_demo_database

        with progress_bar("Making the demo") as progress:
            ensure_demo_database(settings, progress)
    url = settings.resolved_database_url
    open_database(url).close()  # a missing file is an error here, not a new database
    with open_database(url, read_only=not write) as opened:
        yield settings, opened, open_model_store(settings, opened)


def _dates(text: str | None) -> list[dt.date] | None:
    if not text:
        return None
    try:
        return [dt.date.fromisoformat(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise click.BadParameter("Give dates like 2025-06-01,2025-09-01.", param_hint="--cutoffs") from None


def _tell(found: "Evaluation") -> None:
    """The tables of a backtest on the screen; differences are those of the champion."""
    import polars as pl

    for note in found.notes:
        click.echo(note)
    names = {name: name for name in found.models} | {name: f"{name} (baseline)" for name in found.baselines}
    width = max(map(len, names.values()), default=0) + 2
    for metric in found.scores["metric"].unique(maintain_order=True):
        rows = found.scores.filter(pl.col("metric") == metric)
        cutoffs = rows["cutoff"].unique(maintain_order=True).to_list()
        head = "".join(f"{cutoff:>12}" for cutoff in cutoffs)
        click.echo(f"\n{metric:<{width}}{head}   95 % of the mean")
        for name, label in names.items():
            values = {row["cutoff"]: row for row in rows.filter(pl.col("model") == name).to_dicts()}
            if values:
                cells = "".join(f"{_figure(values.get(cutoff, {}).get('value')):>12}" for cutoff in cutoffs)
                low, high = (_figure(values.get("mean", {}).get(end)) for end in ("low", "high"))
                click.echo(f"{label:<{width}}{cells}   [{low}, {high}]")
    judged = found.champion if found.champion in found.models else next(iter(found.models), None)
    against = found.differences.filter(
        pl.col("model") == judged, pl.col("baseline").is_in(list(found.baselines))
    )
    if against.height:
        click.echo(f"\n{judged}: better than the baselines by (paired, 95 %)")
    for row in against.to_dicts():
        value, low, high = (_figure(row[name], sign=True) for name in ("value", "low", "high"))
        click.echo(f"{row['baseline']:<{width}}{row['metric']:<16}{value}  [{low}, {high}]")


def _figure(value: float | None, *, sign: bool = False) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:+.4f}" if sign else f"{value:.4f}"


def _print(rows: "pl.DataFrame", form: str, out: Path | None) -> None:
    """Write a table to a file or to standard output."""
    if form == "parquet":
        if out is None and sys.stdout.isatty():
            raise click.UsageError("Parquet is not for the screen: give a file with --out.")
        rows.write_parquet(out if out else sys.stdout.buffer)
    elif form == "csv":
        _write(rows.write_csv().rstrip("\n"), out)
    elif form == "json":
        _write(rows.write_json(), out)
    else:
        import polars as pl

        with pl.Config(tbl_rows=30, tbl_cols=-1, tbl_width_chars=200):
            _write(str(rows), out)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(out), error.strerror or str(error)) from error
