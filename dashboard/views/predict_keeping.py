"""Keeping models of the page that predicts any table: store, open again, write scores back."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from core.database import open_database
from core.errors import SalesError
from core.jobs.tabular import (
    JobError,
    Rows,
    Source,
    Trained,
    TrainingCancelled,
    keep_model,
    open_kept,
    read_rows,
    write_scores,
)
from core.model_store import open_model_store
from core.predictions.tabular import (
    ColumnFacts,
    describe_columns,
)
from core.roles import Role, require
from dashboard.components.predict_parts import PredictForm, PredictKeep, PredictReport
from dashboard.session import Session
from dashboard.views.predict_work import Bench, Running, scores_of


class Keeping:
    """The part of the desk that keeps models; the desk says what is shown and read."""

    session: Session
    bench: Bench
    keep: PredictKeep
    form: PredictForm
    report: PredictReport
    source: Source
    rows: Rows | None
    facts: list[ColumnFacts]
    trained: Trained | None
    chosen: set[str]
    positive: str
    date: str
    group: str

    def _keep_says(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "cancel":
            if self.bench.cancel():
                self._keep_work(None)
            return
        if kind == "sql":
            self.session.param.update(page="sql", tab="", extra={"q": str(self.keep.state.get("query", ""))})
            return
        if self.bench.busy:
            self._keep_said("Something else is under way.", "error")
        elif kind == "open":
            self._open(str(event.get("name", "")))
        elif self.trained is not None and kind in ("keep", "write"):
            keys = [str(name) for name in event.get("keys") or ()]
            self._keep(str(event.get("name", "")).strip(), keys if kind == "write" else None)

    def _keep(self, name: str, keys: Sequence[str] | None) -> None:
        """Keep the model; with ``keys`` also write its scores back."""
        trained, rows, settings = self.trained, self.rows, self.session.settings
        assert trained is not None
        assert rows is not None
        try:
            require(Role.ADMIN, "keeping models")
        except SalesError as error:
            self._keep_said(str(error), "error")
            return

        def work(running: Running) -> tuple[Trained, str]:
            def progress(what: str, fraction: float) -> None:
                self.bench.tell(running, lambda: self._keep_work((f"{what.capitalize()} …", fraction)))

            scored = None
            if keys is not None:
                scored = running.work.explain(trained, rows.frame, progress)
            with open_database(settings.resolved_database_url, read_only=False) as database:
                kept = keep_model(open_model_store(settings, database), trained, name)
                if scored is None or keys is None:
                    return kept, ""
                today = dt.datetime.now(dt.UTC).date()
                return kept, write_scores(database, kept, rows.frame.select(keys), scored, today)

        def done(found: tuple[Trained, str]) -> None:
            self.trained, table = found
            self._keep_work(None)
            if table:
                told = f"{rows.frame.height:,} scores are in the table {table}, by {name}."
                if keys and rows.frame.select(keys).is_duplicated().any():
                    told += " Several rows have the same keys: a join by them meets more than one score."
                self._keep_said(told, "good", f"SELECT * FROM {table} ORDER BY score DESC LIMIT 100")
            else:
                self._keep_said(f"The model is kept as {name}.", "good")
            self.list_tables()

        def failed(error: SalesError) -> None:
            self._keep_work(None)
            self._keep_said(str(error), "" if isinstance(error, TrainingCancelled) else "error")

        self._keep_said("")
        self._keep_work(("Keeping the model …", 0.0))
        self.bench.start(work, done, failed)

    def _open(self, name: str) -> None:
        """Open a kept model on the rows as they are now."""
        session = self.session

        def work(running: Running) -> tuple[Trained, Rows, list[ColumnFacts], pl.DataFrame]:
            trained = open_kept(open_model_store(session.settings, session.database), name)
            rows = read_rows(session.database, trained.order.source, running.event)
            absent = [column for column in trained.model.encoder.columns if column not in rows.frame.columns]
            if absent:
                raise JobError(
                    f"{trained.order.source.label} no longer has what {name} needs: {', '.join(absent)}.",
                    "Train it again.",
                )
            return trained, rows, describe_columns(rows.frame), scores_of(trained, rows.frame)

        def done(found: tuple[Trained, Rows, list[ColumnFacts], pl.DataFrame]) -> None:
            trained, self.rows, self.facts, scored = found
            self.source, order = trained.order.source, trained.order
            self.date, self.group = order.date or "", order.group or ""
            self._keep_work(None)
            self.form.change(
                source="query" if self.source.query else "table", table=self.source.table,
                query=self.source.query, rows=self._told_rows(), message="",
            )  # fmt: skip
            self._choose_target(order.target if order.target in self.rows.frame.columns else "")
            self.chosen = set(order.columns)
            self.positive = order.positive or ""
            self._show_choices()
            self._take(trained, scored)
            made = trained.version[:8]
            self._keep_said(
                f"{name} is open, as trained on {made[:4]}-{made[4:6]}-{made[6:]}; "
                "its rows were read anew.", "good",
            )  # fmt: skip

        def failed(error: SalesError) -> None:
            self._keep_work(None)
            self._keep_said(str(error), "error")

        self._keep_said("")
        self._keep_work((f"Opening {name} …", 0.0))
        self.bench.start(work, done, failed)

    def _keep_said(self, message: str, tone: str = "", query: str = "") -> None:
        self.keep.change(message=message, tone=tone, query=query)

    def _keep_work(self, what: tuple[str, float] | None) -> None:
        told = None if what is None else {"what": what[0], "fraction": what[1]}
        self.keep.change(work=told, busy=what is not None)
        self.form.change(busy=what is not None)
        self.report.change(busy=what is not None)
