"""Predict any table: the desk of one session, from choosing rows to writing scores back."""

from collections.abc import Callable
from typing import Any

import polars as pl

from core.errors import SalesError
from core.jobs.tabular import (
    ROW_LIMIT,
    JobError,
    Order,
    Rows,
    Source,
    Trained,
    TrainingCancelled,
    kept_models,
    name_for,
    read_rows,
)
from core.model_store import open_model_store
from core.predictions.tabular import (
    HINTS,
    NAMES,
    ColumnFacts,
    Findings,
    TargetChoices,
    describe_columns,
    interval_meaning,
    outside,
    target_choices,
    told_score,
    what_if_row,
    what_if_values,
)
from core.roles import Role, require
from dashboard.components.predict_parts import PredictForm, PredictKeep, PredictReport, PredictWhatIf
from dashboard.security.rate_limits import spend
from dashboard.session import Session
from dashboard.sql_page.link import from_link, to_link
from dashboard.views.predict_keeping import Keeping
from dashboard.views.predict_words import is_ours, table_label, told_figure, told_input, told_model
from dashboard.views.predict_work import Bench, Running, scores_of

_TONES = {"enough data": "good", "thin": "thin"}
_ADDRESS = ("table", "target", "query")
_MOST_KEYS = 3
_MOST_REASONS = 8
_ORDER = tuple(NAMES)


class PredictDesk(Keeping):
    """What a session is doing: the rows read, what is chosen, the model trained last, its scores.

    ``renewed`` is called after another model was trained or opened, or the last one was put away.
    """

    def __init__(self, session: Session, renewed: Callable[[], None]) -> None:
        self.session = session
        self._database = session.database
        self.renewed = renewed
        self.bench = Bench()
        self.rows: Rows | None = None
        self.facts: list[ColumnFacts] = []
        self.source = Source()
        self.trained: Trained | None = None
        self.scored: pl.DataFrame | None = None
        self.target = ""
        self.positive = ""
        self.date = ""
        self.group = ""
        self.chosen: set[str] = set()
        self._choices: TargetChoices | None = None
        self._what_if: dict[str, Any] = {}
        self._row = 0
        self._shape = 0
        self._written: dict[str, str] = {}
        self.form = PredictForm(on_event=self._form_says, sizing_mode="stretch_width")
        self.form.change(source="table", tables=[])
        self.report = PredictReport(on_event=self._report_says, sizing_mode="stretch_width")
        self.what_if = PredictWhatIf(on_event=self._what_if_says, sizing_mode="stretch_width")
        self.keep = PredictKeep(on_event=self._keep_says, sizing_mode="stretch_width")

    # The address

    def follow(self) -> None:
        """Take table, query and target from the address if they are other than what was written there."""
        extra = {name: self.session.extra[name] for name in _ADDRESS if self.session.extra.get(name)}
        if not extra or extra == self._written or self.session.page != "predict" or self.bench.busy:
            return
        self._written = extra
        try:
            query = from_link(extra.get("query", ""))
        except SalesError as error:
            self._say(str(error), "error")
            return
        if query:
            self.form.change(source="query", query=query)
            if query != self.source.query:
                self._say("This query came with the link; read its rows to go on.")
                self.target = extra.get("target", "")
                return
        if not query and extra.get("table", "") != self.source.table:
            self._read(Source(table=extra["table"]), extra.get("target", ""))
        elif extra.get("target", "") != self.target:
            self._choose_target(extra.get("target", ""))

    def opened(self) -> None:
        """The page was opened: show what is in the database now, and put the choice into the address."""
        if self._database is not self.session.database:
            self._start_anew()
        self.list_tables()
        here = any(self.session.extra.get(name) for name in _ADDRESS)
        if not here and self._written:
            self.session.extra = dict(self._written)
        self.follow()

    def _start_anew(self) -> None:
        """Another database is shown: nothing of the old one means anything."""
        self._database = self.session.database
        self.bench.drop()
        self.rows, self.facts, self.source = None, [], Source()
        self.target = self.positive = self.date = self.group = ""
        self.chosen, self._choices = set(), None
        self._work(None)
        self._keep_work(None)
        self.form.change(table="", query="", rows="", message="")
        self._put_away()
        self._show_choices()
        self._write_address()

    def _write_address(self) -> None:
        try:
            query = to_link(self.source.query)
        except SalesError:
            query = ""
        told = {"table": self.source.table, "target": self.target, "query": query}
        written = {name: value for name, value in told.items() if value}
        if written != self._written:
            self._written = written
            self.session.extra = dict(written)

    # Rows and choices

    def list_tables(self) -> None:
        """Read the names of tables and of kept models anew."""
        session = self.session
        try:
            tables = session.database.tables()
            models = kept_models(open_model_store(session.settings, session.database))
        except SalesError as error:
            self._say(str(error), "error")
            return
        listed = sorted(tables, key=lambda table: (is_ours(table.name), table.kind == "view"))
        self.form.change(
            tables=[{"name": t.name, "label": table_label(t.name, t.kind, t.rows)} for t in listed]
        )
        self.keep.change(
            models=[told_model(version) for version in models], tables=[table.name for table in tables]
        )

    def _form_says(self, event: dict[str, Any]) -> None:
        kind, value = event.get("kind"), str(event.get("value") or "")
        if kind == "cancel":
            self._cancel()
            return
        if self.bench.busy:
            return
        if kind == "source" and value in ("table", "query"):
            self.form.change(source=value, message="")
        elif kind == "table" and value:
            self._read(Source(table=value))
        elif kind == "query":
            if value.strip():
                self.form.change(query=value)
                self._read(Source(query=value), self.target)
            else:
                self._say("There is no query yet. Write one that returns the rows to learn from.", "error")
        elif kind == "target":
            self._choose_target(value)
        elif kind == "positive":
            self.positive = value
            self._show_choices()
        elif kind == "date":
            self.date = value
            self._show_choices()
        elif kind == "group":
            self.group = value
            self._show_choices()
        elif kind == "column":
            name = str(event.get("name", ""))
            self.chosen = self.chosen | {name} if event.get("on") else self.chosen - {name}
            self._show_choices()
        elif kind == "columns":
            self.chosen = self._proposed() if value == "proposed" else set()
            self._show_choices()
        elif kind == "train":
            self.train()

    def _read(self, source: Source, target: str = "", then: Callable[[], None] | None = None) -> None:
        """Read rows off the event loop; what was read before stays if that fails."""
        session = self.session
        try:
            require(Role.ANALYST, "reading tables")
        except SalesError as error:
            self._say(str(error), "error")
            return

        def work(running: Running) -> tuple[Rows, list[ColumnFacts]]:
            rows = read_rows(session.database, source, running.event)
            return rows, describe_columns(rows.frame)

        def done(found: tuple[Rows, list[ColumnFacts]]) -> None:
            again = source == self.source
            self.rows, self.facts = found
            self.source = source
            present = set(found[0].frame.columns)
            if not again:
                self.date = self.group = ""
            self.date, self.group = (name if name in present else "" for name in (self.date, self.group))
            self._work(None)
            self.form.change(
                source="query" if source.query else "table",
                table=source.table,
                rows=self._told_rows(),
                message="",
            )
            if then is None and self.trained is not None:
                self._put_away()
            if target and target not in present:
                self._say(f"There is no column {target} in {source.label}. Choose another.", "error")
            self._choose_target(target if target in present else "")
            if then is not None:
                then()

        def failed(error: SalesError) -> None:
            self._work(None)
            self.form.change(table=self.source.table)
            self._say(str(error), "error")

        self._say("")
        self._work(("Reading the rows …", 0.0))
        self.bench.start(work, done, failed)

    def _told_rows(self) -> str:
        if self.rows is None:
            return ""
        frame = self.rows.frame
        told = f"{frame.height:,} rows with {frame.width} columns from {self.source.label}."
        if self.rows.truncated:
            told += f" There are more: at most {ROW_LIMIT:,} are used. A query can choose which."
        return told

    def _proposed(self) -> set[str]:
        names = (self.target, self.date, self.group)
        return {fact.name for fact in self.facts if not fact.reason and fact.name not in names}

    def _choose_target(self, target: str) -> None:
        self.target = target
        self._choices = None
        if self.rows is not None and target in self.rows.frame.columns:
            self._choices = target_choices(self.rows.frame, target)
            self.positive = self._choices.chosen
        self.chosen = self._proposed()
        self._write_address()
        self._show_choices()

    def _show_choices(self) -> None:
        choices = self._choices
        values: list[list[str]] = []
        if choices is not None and not choices.problem:
            values = [["", "the amount itself"]] if choices.amount else []
            values += [[value, f"{value} ({count:,} rows)"] for value, count in choices.values]
        hint = ""
        if choices is not None:
            hint = choices.problem or (
                f"{choices.unknown:,} rows have none: they are predicted." if choices.unknown else ""
            )
        chosen = [fact.name for fact in self.facts if fact.name in self.chosen and fact.name != self.target]
        names = [fact.name for fact in self.facts]
        self.form.change(
            columns=[self._told_column(fact) for fact in self.facts],
            columns_title=f"From these columns: {len(chosen)} of {max(0, len(names) - bool(self.target))}",
            targets=names,
            target=self.target,
            target_hint=hint,
            values=values if len(values) > 1 else [],
            positive=self.positive,
            dates=[fact.name for fact in self.facts if fact.kind == "date" and fact.name != self.target],
            date=self.date,
            groups=[fact.name for fact in self.facts if self._can_group(fact)],
            group=self.group,
            trainable=choices is not None and not choices.problem and bool(chosen),
            hint="" if self.target else "Choose the column to predict.",
        )

    def _can_group(self, fact: ColumnFacts) -> bool:
        rows = self.rows.frame.height if self.rows is not None else 0
        return fact.name != self.target and fact.kind in ("text", "number") and 1 < fact.distinct < rows

    def _told_column(self, fact: ColumnFacts) -> dict[str, Any]:
        rows = max(1, self.rows.frame.height if self.rows is not None else 1)
        reason = fact.reason
        if fact.name == self.target:
            reason = "is predicted"
        elif not reason and fact.name in (self.date, self.group) and fact.name not in self.chosen:
            reason = "used for the split only, unless it is chosen"
        return {
            "name": fact.name, "type": fact.kind, "distinct": f"{fact.distinct:,}",
            "missing": f"{fact.missing / rows:.0%}" if fact.missing else "–",
            "examples": ", ".join(fact.examples), "reason": reason[:1].upper() + reason[1:],
            "usable": fact.usable and fact.name != self.target,
            "chosen": fact.name in self.chosen and fact.name != self.target,
        }  # fmt: skip

    # Training

    def train(self, without: str = "") -> None:
        """Train on what is chosen; does nothing while something else is under way."""
        if self.bench.busy or self.rows is None:
            return
        if without:
            self.chosen -= {without}
            self._show_choices()
        frame = self.rows.frame
        names = tuple(name for name in frame.columns if name in self.chosen and name != self.target)
        try:
            require(Role.ADMIN, "training models")
            if self.target not in frame.columns:
                raise JobError("There is no column to predict yet.", "Choose one.")
            if not names:
                raise JobError("There is no column to predict from.", "Choose at least one.")
            spend("training")
        except SalesError as error:
            self._say(str(error), "error")
            return
        chance = self.positive if self._choices is not None and self.positive else None
        order = Order(self.source, self.target, names, chance, self.date or None, self.group or None)

        def work(running: Running) -> tuple[Trained, pl.DataFrame]:
            def progress(what: str, fraction: float) -> None:
                self.bench.tell(running, lambda: self._work((f"Training: {what} …", fraction)))

            progress("starting", 0.02)
            trained = running.work.train(frame, order, progress)
            return trained, scores_of(trained, frame)

        def done(found: tuple[Trained, pl.DataFrame]) -> None:
            self._work(None)
            self._say(f"Trained on {found[0].findings.rows:,} rows. The report is below.", "good")
            self._take(*found)

        def failed(error: SalesError) -> None:
            self._work(None)
            stopped = isinstance(error, TrainingCancelled)
            self._say("Training was cancelled; nothing was changed." if stopped else str(error),
                      "" if stopped else "error")  # fmt: skip

        self._say("")
        self._work(("Waiting for its turn …", 0.0))
        self.bench.start(work, done, failed)

    def _cancel(self) -> None:
        if self.bench.cancel():
            self._work(None)
            self._say("It was cancelled before it began; nothing was changed.")

    def _take(self, trained: Trained, scored: pl.DataFrame) -> None:
        """Show a model that was trained or opened."""
        self.trained, self.scored = trained, scored
        self._show_report()
        self.take_row(0)
        proposed = trained.name or name_for(f"{trained.order.source.table or 'query'}_{trained.order.target}")
        keys = self.shown_keys()
        names = [fact.name for fact in self.facts if fact.kind != "other"]
        self.keep.change(
            name=proposed, keys=[{"name": name, "chosen": name in keys} for name in names],
            rows=f"{scored.height:,}", message="", query="",
            lead="Kept models can be opened again on this page. Written back, scores are a table like any "
            "other: query it in SQL, or join it to the rows by its keys.",
        )  # fmt: skip
        self.renewed()

    def _put_away(self) -> None:
        """Other rows were read: the model of the earlier ones is no longer shown."""
        self.trained = self.scored = None
        self.keep.change(keys=None, message="", query="")
        self.renewed()

    def shown_keys(self) -> list[str]:
        """The columns that tell rows apart, the most telling ones; the first column where none does."""
        keys = [fact.name for fact in self.facts if fact.is_key][:_MOST_KEYS]
        grouping = [self.group] if self.group and self.group not in keys else []
        return [*grouping, *keys] or [fact.name for fact in self.facts if fact.name != self.target][:1]

    def _show_report(self) -> None:
        assert self.trained is not None
        found = self.trained.findings
        what = "the chance that" if found.kind == "chance" else "the amount of"
        facts = f"{found.rows:,} rows from {self.trained.order.source.label}, {found.test_rows:,} for testing"
        facts += f"; {found.events:,} rows with the rarer outcome." if found.kind == "chance" else "."
        models = [name for name in _ORDER if any(each.model == name for each in found.figures)]
        metrics = list(dict.fromkeys(each.metric for each in found.figures))
        by = {(each.metric, each.model): each for each in found.figures}
        self.report.change(
            title=f"Predicted: {what} {found.label}",
            facts=facts, badge=found.badge.capitalize(), tone=_TONES.get(found.badge, "none"),
            better=found.is_better and not found.suspects,
            verdict=found.verdict, choice=found.choice, split=found.split,
            models=[NAMES[name] for name in models],
            figures=[
                {"metric": metric, "hint": HINTS.get(metric, ""),
                 "cells": [told_figure(by[metric, name], name == found.champion) for name in models]}
                for metric in metrics
            ],
            suspects=[{"column": column, "sentence": sentence} for column, sentence in found.suspects],
            left_out=self._left_out(found),
        )  # fmt: skip

    def _left_out(self, found: Findings) -> list[tuple[str, str]]:
        """Columns that are not used: those the training refused, and those that were not chosen."""
        assert self.trained is not None
        told = dict(found.left_out)
        used = {each["name"] for each in found.inputs} | {found.column}
        order = self.trained.order
        for fact in self.facts:
            if fact.name in used or fact.name in told:
                continue
            split = "used for the split only" if fact.name in (order.date, order.group) else "not chosen"
            told[fact.name] = fact.reason or split
        return list(told.items())

    def _report_says(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "without":
            self.train(without=str(event.get("column", "")))

    # What if

    def take_row(self, row: int) -> None:
        """Put a row of the table into the what-if form."""
        if self.trained is None or self.rows is None or not 0 <= row < self.rows.frame.height:
            return
        self._row = row
        self._shape += 1
        inputs = self.trained.findings.inputs
        self._what_if = what_if_values(self.rows.frame[row], inputs)
        self.what_if.change(
            inputs=[told_input(given) for given in inputs], values=dict(self._what_if), shape=self._shape,
            lead=f"Row {row + 1:,}{self._told_keys(row)}. Change a value and see what would be predicted: "
            "what the model has learned, not what would come about.",
            meaning=interval_meaning(self.trained.findings.kind),
        )  # fmt: skip
        self._answer()

    def _told_keys(self, row: int) -> str:
        assert self.rows is not None
        told = [f"{name} {self.rows.frame[name][row]}" for name in self.shown_keys()]
        return f" ({', '.join(told)})"

    def _answer(self) -> None:
        assert self.trained is not None
        assert self.scored is not None
        inputs, kind = self.trained.findings.inputs, self.trained.findings.kind
        row = what_if_row(self._what_if, inputs)
        score, low, high = self.trained.model.score(row).row(0)
        explanation = self.trained.model.explain(row)[0]
        shown, interval = told_score(score, low, high, kind)
        before = told_score(*self.scored.row(self._row), kind)[0]
        parts = [part for part in explanation.contributions if part.value != 0][:_MOST_REASONS]
        self.what_if.change(
            score=shown, interval=interval, before="" if shown == before else f"{before} as it is",
            outside=outside(self._what_if, inputs),
            reasons=[{"text": part.sentence, "size": part.value} for part in parts],
        )  # fmt: skip

    def _what_if_says(self, event: dict[str, Any]) -> None:
        if self.trained is None:
            return
        if event.get("kind") == "reset":
            self.take_row(self._row)
        elif event.get("kind") == "set" and event.get("name") in self._what_if:
            self._what_if[event["name"]] = event.get("value")
            self._answer()

    # Words

    def _say(self, message: str, tone: str = "") -> None:
        self.form.change(message=message, tone=tone)

    def _work(self, what: tuple[str, float] | None) -> None:
        told = None if what is None else {"what": what[0], "fraction": what[1]}
        self.form.change(work=told, busy=what is not None)
        self.report.change(busy=what is not None)
        self.keep.change(busy=what is not None)
