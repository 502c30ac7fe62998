"""Predict any table: read rows within limits, train in a process of its own, keep models, write scores back.

``python -m core.jobs.tabular train|explain FOLDER`` is that process: it takes rows and wishes from the
folder, leaves what it found there, and tells of its progress in lines of JSON on standard output.
"""

import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from core.adhoc import QueryLimits, identifier, run_query
from core.database.base import Database
from core.days import to_day
from core.errors import SalesError
from core.jobs.registry import JobError, Progress, class_path
from core.jobs.results import write_tables
from core.model_store import DatabaseModelStore, FolderModelStore, ModelStore, ModelVersion
from core.model_store.database import VERSIONS
from core.model_store.parts import read_files, write_files
from core.models.card import ModelCard, fingerprint, measured
from core.models.ladder import rung
from core.models.model import Parts, array, values
from core.models.tabular import Report, TabularModel
from core.models.tabular.model import BASE, LINEAR, TREES
from core.predictions.tabular import Findings, findings_of, main_reasons, with_dates
from core.roles import Role, require

log = logging.getLogger(__name__)
ROW_LIMIT = 200_000
PREFIX = "tabular-"
_SECONDS = 60.0
_SLICE = 2_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WRITTEN = ("score", "low", "high", "reasons", "model_version", "as_of")


class TrainingCancelled(SalesError):  # noqa: N818 - an outcome that a person asked for
    """A person stopped the work; nothing was changed."""


@dataclass(frozen=True)
class Source:
    """Where rows come from: a table or view, or a query."""

    table: str = ""
    query: str = ""

    def sql(self, engine: str) -> str:
        """The statement that reads the rows on an engine (``Database.engine``)."""
        return self.query if self.query else f"SELECT * FROM {identifier(self.table, engine)}"

    @property
    def label(self) -> str:
        """What a person calls it."""
        return "the query" if self.query else self.table


@dataclass(frozen=True)
class Order:
    """What is to be learned; see ``TabularModel.fit``."""

    source: Source
    target: str
    columns: tuple[str, ...]
    positive: str | None = None
    date: str | None = None
    group: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Order":
        """The order that ``as_dict`` described."""
        return cls(**{**plain, "source": Source(**plain["source"]), "columns": tuple(plain["columns"])})


@dataclass(frozen=True)
class Rows:
    """Rows to learn from; ``truncated`` if the source has more than may be used."""

    frame: pl.DataFrame
    truncated: bool


@dataclass(frozen=True)
class Trained:
    """A model with what was found when it was trained; ``test`` has ``actual`` and ``predicted``.

    ``name`` and ``version`` are empty until it is kept.
    """

    order: Order
    model: TabularModel
    findings: Findings
    test: pl.DataFrame
    parts: Parts
    card: ModelCard
    name: str = ""
    version: str = ""


def read_rows(database: Database, source: Source, cancel: threading.Event | None = None) -> Rows:
    """The rows of a table, view or query, read within limits.

    Raises
    ------
    JobError
        There is no such table, or it has no rows.
    SalesError
        The query is refused or stopped; see ``core.adhoc.run_query``.
    """
    require(Role.ANALYST, "reading tables")
    if not source.query and source.table not in {table.name for table in database.tables()}:
        raise JobError(f"There is no table {source.table!r} in the database.", "Choose another.")
    limits = QueryLimits(max_rows=ROW_LIMIT, max_seconds=_SECONDS)
    found = run_query(database, source.sql(database.engine), limits=limits, cancel=cancel)
    if found.frame.is_empty():
        remedy = "Change the query." if source.query else "Load rows on the Data page, or choose another."
        raise JobError(f"There are no rows in {source.label}.", remedy)
    return Rows(with_dates(found.frame), found.truncated_by is not None)


class TabularWork:
    """One training, or one scoring with reasons, in a process of its own; another thread can cancel it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self.stopped = threading.Event()

    def cancel(self) -> None:
        """End it; nothing stays behind."""
        with self._lock:
            self.stopped.set()
            if self._process is not None:
                self._process.terminate()

    def train(self, frame: pl.DataFrame, order: Order, progress: Progress) -> Trained:
        """A model of the rows.

        Raises
        ------
        JobError
            The target cannot be predicted; says why.
        TrainingCancelled
            ``cancel`` was called.
        """
        require(Role.ADMIN, "training models")
        with tempfile.TemporaryDirectory(prefix="tabular-") as name:
            folder = Path(name)
            needed = dict.fromkeys([order.target, *order.columns, order.date, order.group])
            present = [column for column in needed if column is not None and column in frame.columns]
            frame.select(present).write_parquet(folder / "rows.parquet")
            (folder / "order.json").write_text(json.dumps(order.as_dict()), encoding="utf-8")
            self._run("train", folder, progress)
            card = ModelCard.from_json((folder / "card.json").read_text(encoding="utf-8"))
            parts = _in_memory(read_files(folder / "parts"))
        return _trained(parts, card)

    def explain(self, trained: Trained, frame: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """``score``, ``low``, ``high`` and ``reasons`` (one text) of every row. Raises as ``train`` does."""
        with tempfile.TemporaryDirectory(prefix="tabular-") as name:
            folder = Path(name)
            frame.select(trained.model.encoder.columns).write_parquet(folder / "rows.parquet")
            write_files(trained.parts, folder / "parts")
            self._run("explain", folder, progress)
            return pl.read_parquet(folder / "scores.parquet", memory_map=False)

    def _run(self, command: str, folder: Path, progress: Progress) -> None:
        arguments = [sys.executable, "-m", "core.jobs.tabular", command, str(folder)]
        # One thread leaves a core to the people who look at pages meanwhile.
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        with (folder / "errors.txt").open("w+", encoding="utf-8") as errors:
            with self._lock:
                self._refuse_if_stopped()
                process = self._process = subprocess.Popen(
                    arguments, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
                )
            last: dict[str, Any] = {}
            with process:
                for line in process.stdout or ():
                    last = json.loads(line)
                    if "fraction" in last:
                        progress(str(last["what"]), float(last["fraction"]))
            with self._lock:
                self._process = None
            self._refuse_if_stopped()
            if "error" in last:
                raise JobError(str(last["error"]), str(last.get("remedy", "")))
            if process.returncode != 0:
                errors.seek(0)
                log.error("%s ended with status %s: %s", command, process.returncode, errors.read()[-4000:])
                raise JobError(
                    "The work ended unexpectedly; the cause is in the server log.", "Try it with fewer rows."
                )

    def _refuse_if_stopped(self) -> None:
        if self.stopped.is_set():
            raise TrainingCancelled("It was cancelled; nothing was changed.")


def name_for(text: str) -> str:
    """A name for models and tables made of any text: small letters, digits and underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"model_{plain}".rstrip("_"))[:40]


def keep_model(store: ModelStore, trained: Trained, name: str) -> Trained:
    """Store a model under a name, as its newest version; others that read the store find it.

    Raises
    ------
    JobError
        The name cannot be used.
    ModelStoreError
        It cannot be stored.
    """
    require(Role.ADMIN, "keeping models")
    _require_name(name)
    if trained.version and trained.name == name:
        return trained
    task = PREFIX + name
    about = {"about": {"class": class_path(trained.model), "task": task}}
    version = store.put(task, {**trained.parts, **about}, replace(trained.card, task=task))
    return replace(trained, name=name, version=version)


def kept_models(store: ModelStore) -> list[ModelVersion]:
    """The versions in use of all models of tables that were kept, the latest first."""
    names: set[str] = set()
    if isinstance(store, FolderModelStore):
        if store.folder.is_dir():
            names = {folder.name for folder in store.folder.iterdir()}
    elif isinstance(store, DatabaseModelStore) and VERSIONS in {t.name for t in store.database.tables()}:
        names = set(store.database.query(f"SELECT DISTINCT task FROM {VERSIONS}")["task"].to_list())
    found = [store.active(name) for name in sorted(names) if name.startswith(PREFIX)]
    return sorted(
        (version for version in found if version is not None), key=lambda each: each.version, reverse=True
    )


def open_kept(store: ModelStore, name: str) -> Trained:
    """A model that was kept.

    Raises
    ------
    JobError
        There is none of that name, or it is of another version of the product.
    """
    version = store.active(PREFIX + name)
    if version is None:
        raise JobError(f"There is no model named {name}.", "Train one, and keep it under that name.")
    parts = _in_memory(store.read(version.task, version.version))
    try:
        return replace(_trained(parts, version.card), name=name, version=version.version)
    except (KeyError, TypeError) as error:
        raise JobError(
            f"The model {name} is of another version of the product.", "Train it again."
        ) from error


def scores_table(name: str) -> str:
    """The table that scores of a model are written to."""
    return f"scores_table_{name}"


def write_scores(
    database: Database, trained: Trained, keys: pl.DataFrame, scored: pl.DataFrame, as_of: date
) -> str:
    """Write scores in place of earlier ones of the model's name; returns the table.

    Parameters
    ----------
    keys
        The columns that tell which row a score belongs to.
    scored
        ``score``, ``low``, ``high`` and ``reasons`` of the same rows.

    Raises
    ------
    JobError
        No key was chosen, one has a name of the scores, or a table of that name holds something else.
    """
    require(Role.ADMIN, "writing scores")
    _require_name(trained.name)
    if not keys.columns:
        raise JobError("No column tells which row a score belongs to.", "Choose at least one key column.")
    clash = sorted({column.lower() for column in keys.columns} & set(_WRITTEN))
    if clash:
        raise JobError(
            f"A key column may not be called {', '.join(clash)}.",
            "Choose another, or rename it in a query: SELECT score AS old_score, …",
        )
    table = scores_table(trained.name)
    there = next((found for found in database.tables() if found.name == table), None)
    if there is not None and not set(_WRITTEN) <= set(there.columns):
        raise JobError(f"The table {table} holds something else.", "Choose another name.")
    rows = pl.concat([keys, scored.select("score", "low", "high", "reasons")], how="horizontal")
    write_tables(
        database, {table: rows.with_columns(model_version=pl.lit(trained.version), as_of=pl.lit(as_of))}
    )
    return table


def _require_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise JobError(
            f"The name {name!r} cannot be used.",
            "Use up to 40 small letters, digits and underscores, a letter first.",
        )


def _in_memory(parts: Parts) -> Parts:
    """The pieces without files behind them."""
    return {name: np.array(part) if isinstance(part, np.ndarray) else part for name, part in parts.items()}


def _trained(parts: Parts, card: ModelCard) -> Trained:
    report = values(parts["report"])
    actual, predicted = array(parts["test"])
    return Trained(
        Order.from_dict(report["order"]),
        TabularModel.load(parts),
        Findings.from_dict(report["findings"]),
        pl.DataFrame({"actual": actual, "predicted": predicted}),
        parts,
        card,
    )


class _ToldModel(TabularModel):
    """A model that tells how far its training has come."""

    tell: Callable[[str, float], None]

    def _judged(self, *arguments: Any) -> Any:
        self.tell("learning from the training rows", 0.1)
        found = super()._judged(*arguments)
        self.tell("learning from all rows", 0.6)
        return found


def _train(folder: Path, tell: Progress) -> None:
    frame = pl.read_parquet(folder / "rows.parquet")
    order = Order.from_dict(json.loads((folder / "order.json").read_text(encoding="utf-8")))
    model = _ToldModel()
    model.tell = tell
    # The columns for the split are used for predicting only if they were chosen for that, too.
    report = model.fit(
        frame, order.target, order.columns, positive=order.positive, date=order.date, group=order.group
    )
    tell("writing it down", 0.95)
    findings = findings_of(report, model, frame)
    judged = report.evaluation.predictions
    test = np.vstack([judged["actual"].to_numpy(), judged[report.decision.champion].to_numpy()])
    parts: Parts = {
        **model.save(),
        "report": {"order": order.as_dict(), "findings": findings.as_dict()},
        "test": test,
    }
    write_files(parts, folder / "parts")
    (folder / "card.json").write_text(_card(report, model, order, frame).to_json(), encoding="utf-8")


def _card(report: Report, model: TabularModel, order: Order, frame: pl.DataFrame) -> ModelCard:
    others = [name for name in (BASE, LINEAR, TREES) if name != report.decision.champion]
    return ModelCard(
        task=PREFIX + name_for(f"{order.source.table}_{order.target}"),
        horizon_days=0,
        as_of_day=to_day(date.today()),
        trained_rows=report.rows,
        events=report.events,
        rung=int(rung(report.events)),
        badge=report.badge,
        champion=report.decision.champion,
        decision=report.decision,
        metrics=measured(report.evaluation, report.decision.champion),
        baselines={name: measured(report.evaluation, name) for name in others},
        features=model.encoder.columns,
        fingerprint=fingerprint(frame, settings=order.as_dict()),
        notes=(f"{report.target.label}, from {order.source.label}.", report.split),
    )


def _explain(folder: Path, tell: Progress) -> None:
    frame = pl.read_parquet(folder / "rows.parquet")
    model = TabularModel.load(read_files(folder / "parts"))
    reasons: list[str] = []
    for part in frame.iter_slices(_SLICE):
        tell("finding the reasons of each row", len(reasons) / frame.height)
        reasons += [main_reasons(explanation) for explanation in model.explain(part)]
    scored = model.score(frame).with_columns(reasons=pl.Series(reasons, dtype=pl.String))
    scored.write_parquet(folder / "scores.parquet")


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 if it was done, 2 if it could not be."""
    command, folder = arguments

    def tell(what: str, fraction: float) -> None:
        print(json.dumps({"what": what, "fraction": round(fraction, 4)}), flush=True)

    with suppress(OSError, AttributeError):
        os.nice(5)
    try:
        {"train": _train, "explain": _explain}[command](Path(folder), tell)
    except SalesError as error:
        print(json.dumps({"error": error.message, "remedy": error.remedy}), flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
