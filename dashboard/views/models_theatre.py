"""Models: cards, backtests over time, the theatre of past cutoffs, drift, versions."""

from collections.abc import Callable
from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.models import ColumnDataSource, DataRange1d, Whisker
from bokeh.plotting import figure as Figure  # noqa: N812

from core.days import to_date, to_day
from core.errors import SalesError
from core.filters import SalesFilters
from core.predictions import StoredBacktest, TaskStatus, stored_backtest, task_status
from core.predictions.drift import MOVED, STABLE, feature_drift
from core.predictions.theatre import (
    cutoffs_of,
    groups_at,
    judged,
    metric_by_cutoff,
    models_at,
    series_at,
    summary,
)
from core.roles import Role, require
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components import Facts
from dashboard.components.predictions import ActionRows, InputBar
from dashboard.current_database import CurrentDatabase, current_database
from dashboard.predictions.trust import NAMES
from dashboard.session import Session
from dashboard.view import Chart, View
from dashboard.views.rows import PagedRows

_NO_BACKTEST = "These models have not been judged on past dates yet.\nTrain them above."
_CHANCES = ("churn", "credit")


class TaskView(View):
    """A view of one task."""

    def __init__(self, session: Session, task: str) -> None:
        self.task = task
        super().__init__(session)

    def backtest(self) -> StoredBacktest | None:
        """The latest backtest of the task."""
        return stored_backtest(self.session.database, self.task)

    def status(self) -> TaskStatus:
        """What there is for the task."""
        return task_status(self.session.database, current_database(self.session).models(), self.task)


class ModelFacts(TaskView):
    """The model card."""

    title = "Model card"

    def __init__(self, session: Session, task: str) -> None:
        super().__init__(session, task)
        self.facts = Facts(title=self.title, sizing_mode="stretch_width")

    def panel(self) -> pn.viewable.Viewable:
        return self.facts

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        version = self.status().model
        if version is None:
            return pl.DataFrame([("Model", "not trained yet")], schema=["label", "value"], orient="row")
        card = version.card
        until = to_date(card.as_of_day)
        rows = [
            ("Predicts", f"{NAMES[self.task]}, {card.horizon_days} days ahead"),
            ("Champion", card.champion),
            ("Data", f"{card.badge}: {card.events:,} events in {card.trained_rows:,} training rows"),
            ("Knows", f"everything before {until:%-d %B %Y}, nothing after"),
            ("Trained", f"{version.created:%-d %B %Y %H:%M} UTC"),
            ("Version", version.version),
            ("Data fingerprint", card.fingerprint),
        ]
        if card.decision is not None:
            rows.append(("Why this one", card.decision.reason))
        if card.features:
            rows.append(("Features", f"{len(card.features)}: {', '.join(card.features[:8])} …"))
        told = {value for _, value in rows}
        rows += [("Note", note) for note in card.notes if note not in told]
        return pl.DataFrame(rows, schema=["label", "value"], orient="row")

    def show(self, frame: pl.DataFrame) -> None:
        self.facts.facts = [{**row, "tone": ""} for row in frame.to_dicts()]


class ModelComparison(TaskView, PagedRows):
    """Every model and baseline with every metric, averaged over the cutoffs."""

    title = "Models and baselines, mean over past dates [95 %]"
    description = (
        "Each was trained only on what was known at each date. Baselines are what one would do without."
    )
    wide = True
    height = 300
    empty_message = _NO_BACKTEST

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = self.backtest()
        if found is None:
            return pl.DataFrame()
        table = summary(found)
        used = judged(found)
        self.columns = tuple(
            (name, name.capitalize() if name in ("model", "kind") else name, "text") for name in table.columns
        )
        return table.with_columns(
            kind=pl.when(pl.col("model") == used).then(pl.lit("in use")).otherwise(pl.col("kind"))
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        found = self.backtest()
        return " ".join(found.notes[-2:]) if found else ""


class MetricOverTime(TaskView, Chart):
    """The leading metric of each model at each cutoff."""

    title = "Quality at past dates"
    description = "One line for each model; dashed: baselines."
    pale = False
    value_axis = None
    empty_message = _NO_BACKTEST
    tooltips = (("", "@model"), ("Date", "@cutoff{%d %b %Y}"), ("Value", "@value{0.000}"))

    def heading(self) -> str:
        return f"Quality at past dates ({self.status().metric})"

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = self.backtest()
        return (
            pl.DataFrame()
            if found is None
            else metric_by_cutoff(found, self.status().metric).drop_nulls("value")
        )

    def show(self, frame: pl.DataFrame) -> None:
        self.figure = None  # models may come and go with a training: the figure is drawn anew
        self._front, self._back = [], []
        super().show(frame)

    def _build(self, rows: pl.DataFrame, background: pl.DataFrame) -> None:  # noqa: ARG002
        import holoviews as hv

        found = self.backtest()
        baselines = found.baselines if found else ()
        overlay: Any = None
        for place, name in enumerate(rows["model"].unique(maintain_order=True).to_list()):
            part = rows.filter(pl.col("model") == name)
            line = part.hvplot.line(
                x="cutoff", y="value", label=name, xlabel="", ylabel="", responsive=True, line_width=2,
                color=theme.CATEGORICAL[place % len(theme.CATEGORICAL)], hover_cols=["model"],
                line_dash="dashed" if name in baselines else "solid",
            )  # fmt: skip
            overlay = line if overlay is None else overlay * line
        figure: Figure = hv.render(overlay.opts(legend_position="bottom"), backend="bokeh")
        theme.style_figure(figure, value_axis=None)
        self.figure, self._front = figure, list(figure.renderers)
        figure.toolbar.tools = [theme.hover(self.tooltips, renderers=self._front)]
        self._content[:] = [pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0)]

    def _fill(self, *_parts: Any) -> None:  # type: ignore[override]
        """Nothing to patch: the figure is drawn anew."""


class Theatre(TaskView):
    """A slider over past cutoffs: what was predicted then, and what happened after."""

    title = "Predicted then, happened after"
    empty_message = _NO_BACKTEST
    wide = True
    height = 390

    def __init__(self, session: Session, task: str) -> None:
        super().__init__(session, task)
        self.place = -1
        self.inputs = InputBar(on_set=self._moved, sizing_mode="stretch_width")
        self._source, self._band = ColumnDataSource(), ColumnDataSource()
        self._figure: Figure | None = None

    @property
    def description(self) -> str:  # type: ignore[override]
        """How to read it."""
        if self.task == "sales":
            return "Move the slider: forecast with its 80 % band, and the sales that came."
        if self.task == "recommend":
            return "Move the slider: how good ten recommended products were (NDCG@10), beside simpler lists."
        what = "invoices" if self.task == "credit" else "customers"
        return (
            f"Move the slider. Tenths of the {what} by prediction: bars what happened, dots the prediction."
        )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = self.backtest()
        if found is None:
            return pl.DataFrame()
        cutoffs = cutoffs_of(found)
        self.place = len(cutoffs) - 1 if not 0 <= self.place < len(cutoffs) else self.place
        return self._at(found, cutoffs)

    def _at(self, found: StoredBacktest, cutoffs: list[str]) -> pl.DataFrame:
        cutoff = cutoffs[self.place]
        shown = to_date(to_day_of(cutoff))
        self.inputs.fields = [
            {
                "name": "cutoff", "label": "As of", "kind": "range", "value": self.place, "min": 0,
                "max": max(1, len(cutoffs) - 1), "step": 1, "text": f"{shown:%-d %B %Y}",
            }
        ]  # fmt: skip
        if self.task == "sales":
            return series_at(found, cutoff)
        if self.task == "recommend":
            return models_at(found, cutoff, self.status().metric)
        return groups_at(found, cutoff)

    def _moved(self, _name: str, value: Any) -> None:
        found = self.backtest()
        if found is None:
            return
        cutoffs = cutoffs_of(found)
        self.place = min(max(0, int(value)), len(cutoffs) - 1)
        frame = self._at(found, cutoffs)
        if not frame.is_empty():
            self.frame = frame
            self.show(frame)

    def show(self, frame: pl.DataFrame) -> None:
        if "group" in frame.columns:
            frame = frame.with_columns(name=pl.col("group").cast(pl.String))
        if self._figure is None:
            self._figure = self._forecast(frame) if self.task == "sales" else self._groups(frame)
            self._figure.update(sizing_mode="stretch_width", height=310)
            pane = pn.pane.Bokeh(self._figure, sizing_mode="stretch_width", margin=0)
            self._content[:] = [self.inputs, pane]
        columns: Callable[[str], Any] = lambda name: (  # noqa: E731
            frame[name].cast(pl.Datetime("ms")).to_numpy(writable=True)
            if frame.schema[name] == pl.Date
            else frame[name].to_list()
        )
        self._source.data = {name: columns(name) for name in frame.columns}

    def _groups(self, frame: pl.DataFrame) -> Figure:
        import holoviews as hv

        element = frame.hvplot.bar(
            x="name", y="actual", color=theme.ACCENT, line_color=None,
            xlabel="" if self.task == "recommend" else "Tenth by prediction",
            ylabel="", responsive=True,
        )  # fmt: skip
        figure: Figure = hv.render(element, backend="bokeh")
        theme.style_figure(figure, value_axis=None if self.task in (*_CHANCES, "recommend") else "y")
        if self.task in _CHANCES:
            theme.percent_axis(figure.yaxis)
        bars = figure.renderers[0]
        bars.data_source = self._source
        bars.glyph.fill_alpha = 0.55
        figure.x_range.factors = frame["name"].to_list()
        self._source.data = {name: frame[name].to_list() for name in frame.columns}
        whisker = Whisker(source=self._source, base="name", lower="low", upper="high", line_color=theme.PALE)
        whisker.upper_head.line_color = whisker.lower_head.line_color = theme.PALE
        figure.add_layout(whisker)
        if self.task != "recommend":
            figure.scatter(x="name", y="predicted", source=self._source, size=10, color=theme.SECOND)
        bars.glyph.x, bars.glyph.top = "name", "actual"
        figure.y_range = DataRange1d(start=0, range_padding=0.06)
        told = (("", "@name"), ("Rows", "@customers"), ("Predicted", "@predicted{0.000}"),
                ("Happened", "@actual{0.000}"))  # fmt: skip
        if self.task == "recommend":
            told = (("", "@name"), ("NDCG@10", "@actual{0.000}"), ("95 %", "@low{0.000} – @high{0.000}"))
        figure.toolbar.tools = [theme.hover(told, renderers=[bars])]
        return figure

    def _forecast(self, frame: pl.DataFrame) -> Figure:
        import holoviews as hv

        line = frame.hvplot.line(
            x="month", y="predicted", color=theme.SECOND, line_width=2, xlabel="", ylabel="", responsive=True,
            label="Forecast",
        )  # fmt: skip
        figure: Figure = hv.render(line, backend="bokeh")
        theme.style_figure(figure)
        figure.renderers[0].data_source = self._source
        self._source.data = {name: frame[name].to_list() for name in frame.columns}
        figure.varea(x="month", y1="low80", y2="high80", source=self._source, fill_color=theme.SECOND,
                     fill_alpha=0.18)  # fmt: skip
        figure.scatter(x="month", y="actual", source=self._source, size=11, color=theme.ACCENT)
        figure.y_range = DataRange1d(start=0, range_padding=0.06)
        figure.x_range = DataRange1d(range_padding=0.08)
        figure.toolbar.tools = [
            theme.hover(
                (("Month", "@month{%b %Y}"), ("Forecast", "@predicted{0,0}"),
                 ("80 %", "@low80{0,0} – @high80{0,0}"), ("Happened", "@actual{0,0}")),
                renderers=[figure.renderers[-1]],
            )
        ]  # fmt: skip
        return figure


def to_day_of(cutoff: str) -> int:
    """Days since 1970-01-01 of an ISO date."""
    import datetime as dt

    return to_day(dt.date.fromisoformat(cutoff))


class Drift(TaskView, PagedRows):
    """How far the customers have moved from those in training."""

    wide = True
    title = "Drift since training (population stability index)"
    description = f"Below {STABLE} a feature is as it was; above {MOVED} the model should be trained again."
    height = 380
    columns = (
        ("label", "Feature", "text"),
        ("psi", "Index", "index"),
        ("verdict", "Verdict", "text"),
        ("before", "Mean in training", "figures"),
        ("now", "Mean now", "figures"),
    )
    empty_message = "Drift needs a trained model."

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        model = self.status().model
        if model is None:
            return pl.DataFrame()
        days = sorted((model.card.as_of_day - model.card.horizon_days, to_day(sales.as_of)))
        found = feature_drift(self.session.database, *days, self.session.settings.payment_terms_days)
        return found.with_columns(pl.col("psi").round(2), pl.col("before", "now").round_sig_figs(3))

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        model = self.status().model
        if model is None:
            return ""
        day = to_date(model.card.as_of_day - model.card.horizon_days)
        return f"Customers on {day:%-d %B %Y}, the latest date of training, against those on the as-of date."


class Versions(TaskView):
    """Versions of the model, and going back to an earlier one."""

    title = "Versions"
    description = "Select a version and use it from now on; nothing is deleted."
    wide = True
    height = 180
    empty_message = "No version was trained yet."

    def __init__(self, session: Session, task: str) -> None:
        super().__init__(session, task)
        self._current: CurrentDatabase = current_database(session)
        self.list: ActionRows | None = None

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = self._current.models().versions(self.task)
        return pl.DataFrame(
            {
                "version": [version.version for version in found],
                "trained": [f"{version.created:%-d %b %Y %H:%M}" for version in found],
                "as_of": [f"{to_date(version.card.as_of_day):%-d %b %Y}" for version in found],
                "champion": [version.card.champion for version in found],
                "state": ["in use" if version.active else "use this one" for version in found],
            }
        )

    def show(self, frame: pl.DataFrame) -> None:
        titles = {"state": "", "trained": "Trained (UTC)", "as_of": "Knows until", "champion": "Champion",
                  "version": "Version"}  # fmt: skip
        if self.list is None:
            self.list = ActionRows(
                columns=[
                    {"name": name, "title": title, "link": name == "state"} for name, title in titles.items()
                ],
                page_size=10, selectable=False, on_event=self._asked, sizing_mode="stretch_both",
                plain=True,
            )  # fmt: skip
            self._content[:] = [self.list]
        rows = [
            {
                "key": "" if row["state"] == "in use" else row["version"], "name": row["version"],
                "cells": [row[name] for name in titles], "tones": [""] * len(titles), "selected": False,
            }
            for row in frame.to_dicts()
        ]  # fmt: skip
        self.list.param.update(rows=rows[:10], total=frame.height)

    def _asked(self, event: dict[str, Any]) -> None:
        """Use the chosen version."""
        if event.get("kind") != "open" or self.list is None:
            return
        from core.database import open_database
        from core.model_store import open_model_store

        try:
            require(Role.ADMIN, "choosing model versions")
            settings = self.session.settings
            with open_database(settings.resolved_database_url, read_only=False) as database:
                open_model_store(settings, database).activate(self.task, str(event.get("key", "")))
        except SalesError as error:
            self.list.message = str(error)
            return
        self._current.changed()
