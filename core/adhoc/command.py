"""The query command: typed SQL from the command line, to a terminal, a pipe or a file."""

import re
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from core.adhoc.export import as_table, write_file, write_frame
from core.adhoc.run import QueryResult, run_query
from core.adhoc.saved import saved_queries
from core.database.adhoc import QueryLimits
from core.database.base import Database
from core.errors import QueryError

_TABLE_ROWS = 200
_WAIT_SECONDS = 0.1


def answer(
    database: Database,
    sql: str,
    form: str,
    out: Path | None,
    limits: QueryLimits,
    params: Mapping[str, object],
) -> QueryResult:
    """Run ``sql`` (or a saved query, by its name) and write the rows to ``out`` or standard output.

    Ctrl-C stops the query. Raises as ``run_query`` and ``write_frame`` do; Parquet is never written to a
    terminal.
    """
    if form == "parquet" and out is None and sys.stdout.isatty():
        raise QueryError("Parquet is not for a terminal.", "Give a file with --out.")
    saved = next((query for query in saved_queries(database) if query.name == sql.strip()), None)
    cancel = threading.Event()
    run = partial(
        run_query,
        database,
        saved.text if saved else sql,
        limits=limits,
        params={**(saved.defaults if saved else {}), **params},
        cancel=cancel,
        declared=saved.declared if saved else None,
    )
    result = _until_interrupted(run, cancel)
    if out is not None:
        write_file(result.frame, form, out)
    elif form == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        sys.stdout.write(as_table(result.frame, width) + "\n")
    else:
        sys.stdout.flush()
        write_frame(result.frame, form, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return result


def limits_for(form: str, out: Path | None, max_rows: int | None, max_seconds: float) -> QueryLimits:
    """Limits for a format: a table on the screen has 200 rows unless more are asked for."""
    usual = _TABLE_ROWS if form == "table" and out is None else QueryLimits().max_rows
    return QueryLimits(max_rows=max_rows or usual, max_seconds=max_seconds)


def parameters(given: Sequence[str]) -> dict[str, object]:
    """Values of parameters given as ``name=value``; whole and decimal numbers are numbers, the rest is text.

    Raises
    ------
    QueryError
        One is not of that form.
    """
    values: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise QueryError(f"The parameter {text!r} is not NAME=VALUE.", "Write --param as_of_day=19800")
        values[name] = _number_or_text(value)
    return values


def _number_or_text(text: str) -> object:
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else text


def told(result: QueryResult) -> str:
    """How many rows there were, how long it took, and what cut them off, in one sentence."""
    rows = f"{result.rows:,} row{'' if result.rows == 1 else 's'} in {result.seconds:.2f} s"
    if result.truncated_by == "rows":
        return f"The first {rows}; there are more, see --max-rows."
    if result.truncated_by == "bytes":
        return f"The first {rows}; the rest would take too much memory."
    return f"{rows}."


def _until_interrupted(run: Callable[[], QueryResult], cancel: threading.Event) -> QueryResult:
    """Run in another thread, since this one hears of Ctrl-C only between short waits."""
    with ThreadPoolExecutor(1, "query") as executor:
        future = executor.submit(run)
        while not future.done():
            try:
                wait([future], _WAIT_SECONDS)
            except KeyboardInterrupt:
                cancel.set()
        return future.result()
