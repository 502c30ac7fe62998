"""Predict any table: what the columns are worth, predictions against what was so, and the rows."""

import logging
from typing import TYPE_CHECKING, Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import NumeralTickFormatter, Slope
from bokeh.plotting import figure as Figure  # noqa: N812

from core.errors import SalesError
from core.filters import SalesFilters
from core.jobs.tabular import Trained
from core.predictions.tabular import calibration, figure, interval_meaning, main_reasons
from core.sales_data import SalesData
from dashboard import theme
from dashboard.predictions.action_list import ActionList
from dashboard.session import Session
from dashboard.sql_page.running import UNEXPECTED
from dashboard.view import Chart, View

if TYPE_CHECKING:
    from dashboard.views.predict_desk import PredictDesk

log = logging.getLogger(__name__)
MOST_POINTS = 2_000
MOST_COLUMNS = 12
MOST_EXPLAINED = 1_000


class _OfTraining(View):
    """A view of the model that the desk holds."""

    def __init__(self, session: Session, desk: "PredictDesk") -> None:
        self.desk = desk
        super().__init__(session)

    def renew(self) -> None:
        """Show another model."""
        self.card.param.update(title=self.heading(), description=self.told())
        self._shown_key = None
        self.refresh()

    def refresh(self) -> None:
        """Bring the view up to date with the desk; it needs no sales data."""
        key = (id(self.desk.trained), id(self.desk.scored))
        if key == self._shown_key or self.desk.trained is None:
            return
        self._shown_key = key
        try:
            frame = self.frame = self.rows_of(self.desk.trained)
            if frame.is_empty():
                self.card.param.update(state="empty", message="There is nothing to show here.", note="")
            else:
                self.show(frame)
                self.card.param.update(state="ready", message="", note=self.note(frame))
        except SalesError as error:
            self.card.param.update(state="error", message=str(error))
        except Exception:
            log.exception("view %s failed", type(self).__name__)
            self.card.param.update(state="error", message=UNEXPECTED)

    def rows_of(self, trained: Trained) -> pl.DataFrame:
        """The rows to show of a model."""
        raise NotImplementedError

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        return pl.DataFrame() if self.desk.trained is None else self.rows_of(self.desk.trained)

    def told(self) -> str:
        """How to read it, for the model shown."""
        return self.description

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return ""


class _TrainingChart(_OfTraining, Chart):
    """A chart that is drawn anew for each model."""

    pale = False

    def show(self, frame: pl.DataFrame) -> None:
        self.figure = None
        self._build(self._aligned(frame, frame), frame)


class Importance(_TrainingChart):
    """What each column is worth."""

    title = "What the prediction rests on"
    description = "Mean size of what each column adds to or takes from a prediction."
    category = "column"
    value_axis = "x"
    tooltips = (("Column", "@column"), ("Mean size", "@importance{0,0.000}"))
    height = 340

    def told(self) -> str:
        trained = self.desk.trained
        if trained is None or trained.findings.kind == "chance":
            return f"{self.description} On the scale of log-odds."
        return f"{self.description} In units of {trained.findings.column}."

    def rows_of(self, trained: Trained) -> pl.DataFrame:
        schema = {"column": pl.String, "importance": pl.Float64}
        return pl.DataFrame(list(trained.findings.importance)[:MOST_COLUMNS], schema=schema, orient="row")

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="column", y="importance", color=theme.ACCENT, line_color=None, xlabel="", ylabel=""
        )

    def note(self, frame: pl.DataFrame) -> str:
        trained = self.desk.trained
        more = len(trained.findings.importance) - frame.height if trained is not None else 0
        return f"{more} more columns add less." if more > 0 else ""


class AgainstActual(_TrainingChart):
    """Predictions of the test rows against what was so."""

    title = "Predicted and actual on the test rows"
    value_axis = "both"
    height = 340

    def told(self) -> str:
        trained = self.desk.trained
        if trained is None:
            return ""
        if trained.findings.kind == "chance":
            return "Test rows in groups of equal size, with 95 % intervals; on the line, they are right."
        return f"Each mark is a test row; on the line, the {trained.findings.column} predicted is right."

    @property
    def is_chance(self) -> bool:
        """Whether a probability is predicted."""
        return self.desk.trained is not None and self.desk.trained.findings.kind == "chance"

    def rows_of(self, trained: Trained) -> pl.DataFrame:
        test = trained.test
        if self.is_chance:
            return calibration(test)
        return test.sample(MOST_POINTS, seed=0) if test.height > MOST_POINTS else test

    def note(self, frame: pl.DataFrame) -> str:
        trained = self.desk.trained
        if trained is None or self.is_chance or trained.test.height <= frame.height:
            return ""
        return f"{frame.height:,} of {trained.test.height:,} test rows, drawn at random."

    def plot(self, frame: pl.DataFrame) -> Any:
        across, up = ("Predicted", "Happened") if self.is_chance else ("Predicted", "Actual")
        return frame.hvplot.scatter(
            x="predicted", y="happened" if self.is_chance else "actual", color=theme.ACCENT,
            alpha=1 if self.is_chance or frame.height < 60 else 0.45, size=60 if self.is_chance else 25,
            xlabel=across, ylabel=up,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        figure.add_layout(
            Slope(gradient=1, y_intercept=0, line_color=theme.PALE, line_width=1.5, line_dash="dashed")
        )
        rows = [("Predicted", "@predicted{0,0.0}"), ("Actual", "@actual{0,0.0}")]
        if self.is_chance:
            front = self._front[0]
            figure.segment(
                x0="predicted", x1="predicted", y0="low", y1="high", source=front.data_source,
                line_color=theme.ACCENT, line_width=2,
            )  # fmt: skip
            for axis in (*figure.xaxis, *figure.yaxis):
                axis.formatter = NumeralTickFormatter(format="0%")
            rows = [
                ("Predicted", "@predicted{0.0%}"), ("Happened", "@happened{0.0%}"),
                ("95 %", "@low{0.0%} to @high{0.0%}"), ("Rows", "@rows"),
            ]  # fmt: skip
        figure.toolbar.tools = [*figure.toolbar.tools, theme.hover(rows, renderers=self._front)]


class ScoredRows(_OfTraining, ActionList):
    """The rows with score, interval and reasons; a click takes one into the what-if form."""

    slug = ""
    title = "Predictions of the rows"
    search_label = "Search rows"
    height = 640

    def __init__(self, session: Session, desk: "PredictDesk") -> None:
        super().__init__(session, desk)
        self._keys: list[str] = []

    def told(self) -> str:
        trained = self.desk.trained
        kind = trained.findings.kind if trained is not None else "chance"
        return f"Choose a row to try changes under What if. {interval_meaning(kind)}"

    def heading(self) -> str:
        trained = self.desk.trained
        return self.title if trained is None else f"Predictions of the rows: {trained.findings.label}"

    def renew(self) -> None:
        self.list, self.selected, self._search = None, set(), ""
        super().renew()

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return (
            "The model has learned from these rows, so they fit it better than new ones will: judge it by "
            f"the test rows. Reasons are exported for up to {MOST_EXPLAINED:,} selected rows; written back, "
            "all rows have them."
        )

    def rows_of(self, trained: Trained) -> pl.DataFrame:
        desk = self.desk
        if desk.rows is None or desk.scored is None:
            return pl.DataFrame()
        frame, target, kind = desk.rows.frame, trained.findings.column, trained.findings.kind
        self._keys = desk.shown_keys()
        size = float(desk.scored["score"].abs().median() or 0.0)
        form = "share" if kind == "chance" else "integer" if size >= 1000 else "number"
        if kind == "amount" and size < 10:
            form = "text"
        columns = [(f"key_{i}", name, "text") for i, name in enumerate(self._keys)]
        shown = [("actual", f"{target} (actual)", "text")] if target in frame.columns else []
        self.columns = (
            ("row", "Row", "link"), *columns, *shown, ("score", "Predicted", form), ("low", "Low", form),
            ("high", "High", form), ("reasons", "Reasons", "long"),
        )  # fmt: skip
        self.search_in = tuple(name for name, _title, _kind in (*columns, *shown))
        scored = desk.scored
        if form == "text":
            scored = scored.with_columns(pl.col("score", "low", "high").round_sig_figs(3))
        parts = {f"key_{i}": _plain(frame[name]) for i, name in enumerate(self._keys)}
        if shown:
            parts["actual"] = _plain(frame[target])
        count = frame.height
        return pl.DataFrame(
            {
                "key": pl.int_range(count, eager=True).cast(pl.String),
                "row": pl.int_range(1, count + 1, eager=True),
                **parts,
                **{name: scored[name] for name in ("score", "low", "high")},
                "reasons": pl.Series([None] * count, dtype=pl.String),
            }
        )

    def _turn(self, page: int) -> None:
        """Find the reasons of the rows of the page before they are shown."""
        assert self._found is not None
        last = max(0, (self._found.height - 1) // self.page_size)
        first = min(max(0, page), last) * self.page_size
        self._found = self._explained(self._found, first, self.page_size)
        super()._turn(page)

    def _explained(self, frame: pl.DataFrame, first: int, count: int) -> pl.DataFrame:
        part = frame.slice(first, count)
        if self.desk.trained is None or self.desk.rows is None or not part["reasons"].null_count():
            return frame
        rows = self.desk.rows.frame[(part["row"] - 1).to_list()]
        told = [main_reasons(explanation) for explanation in self.desk.trained.model.explain(rows)]
        places = pl.int_range(first, first + part.height, eager=True)
        return frame.with_columns(frame["reasons"].scatter(places.to_list(), told))

    def exported(self) -> pl.DataFrame:
        assert self._found is not None
        chosen = self._found.filter(pl.col("key").is_in(self.selected)) if self.selected else self._found
        whole, self._found = self._found, chosen
        try:
            if chosen.height <= MOST_EXPLAINED:
                self._found = self._explained(chosen.with_columns(reasons=pl.lit(None, pl.String)), 0, 1_000)
                return super().exported()
            return super().exported().drop("Reasons")
        finally:
            self._found = whole

    def _asked(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "open":
            self.desk.take_row(int(event.get("key", 0)))
        else:
            super()._asked(event)


def _plain(series: pl.Series) -> pl.Series:
    """Values as they are shown in a cell."""
    if series.dtype.is_float():
        return series.map_elements(figure, return_dtype=pl.String)
    if series.dtype == pl.Date or series.dtype.is_integer():
        return series
    return series.cast(pl.String).str.slice(0, 60)
