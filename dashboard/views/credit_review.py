"""Whom finance reviews: what may be lost, the list to act on, and what is open by risk."""

from collections.abc import Callable
from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.models import TapTool
from bokeh.plotting import figure as Figure  # noqa: N812

from core.days import to_day
from core.filters import SalesFilters
from core.predictions.credit import (
    LEVELS,
    RULES,
    defaulted_of_open,
    expected_loss,
    exposure_by_band,
    in_bands,
)
from core.predictions.people import selected_customers
from core.receivables import load_matching
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components import FigureCards
from dashboard.predictions.action_list import ActionList
from dashboard.predictions.scored import predicted_on, scores_of
from dashboard.session import Session
from dashboard.view import Chart
from dashboard.views.credit_parts import (
    CreditView,
    bands_of,
    boosted_of,
    newest_day,
    remember,
    reviewed,
    set_extra,
)

_COLORS = {said: theme.RISK[level] for level, said in LEVELS.items()}
_CONFIRMED_AFTER = 60
RULE = (
    f"Watch: a chance of default of {RULES.watch_default:.0%} or more; high: {RULES.high_default:.0%} or "
    f"more. Collect: money is overdue and what is open defaults with {RULES.collect_default:.0%} or more, or "
    "more is overdue than they are expected to buy."
)


def _figure(key: str, label: str, value: str, change: str) -> dict[str, object]:
    return {
        "key": key, "label": label, "value": value, "change": change, "trend": "none", "note": "",
        "spark": [],
    }  # fmt: skip


class CreditFigures(CreditView):
    """What is open, overdue, and expected to be lost of it."""

    slug = "credit-figures"
    title = "Exposure and expected loss"
    description = "What customers owe on the as-of date, and what is expected to be lost of it."
    subject = "balances"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.cards = FigureCards(
            compact=True, visible=False, sizing_mode="stretch_width", styles={"grid-column": "1 / -1"}
        )

    def panel(self) -> pn.viewable.Viewable:
        return self.cards

    def refresh(self) -> None:
        super().refresh()
        self.cards.visible = self.frame is not None and self.card.state == "ready"

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], Any]:
        session, filters = self.session, filters.copy()

        def work() -> tuple[pl.DataFrame, float | None]:
            rows = reviewed(session, sales, filters)
            scores, known = scores_of(session, "credit"), newest_day(session, sales)
            if scores is None or sales.is_sampled:
                return rows, None
            # the fate of what was open is known once all of it could be so far past due
            if known < to_day(scores.as_of) + sales.terms_days + _CONFIRMED_AFTER:
                return rows, None
            then = load_matching(session.database, to_day(scores.as_of), sales.terms_days).invoices
            now = load_matching(session.database, known, sales.terms_days).invoices
            people = selected_customers(sales, filters).select("customer_id")
            return rows, defaulted_of_open(then.join(people, on="customer_id", how="semi"), now)

        return work

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        return self.made[0]  # type: ignore[no-any-return]

    def show(self, frame: pl.DataFrame) -> None:
        currency = self.session.settings.currency
        loss = expected_loss(frame)
        exposure, overdue = (float(frame[name].sum()) for name in ("exposure", "overdue"))
        levels = dict(frame.group_by("level").agg(pl.len()).iter_rows())
        share = f"{loss.expected / exposure:.1%} of what is open; " if exposure else ""
        figures = [
            _figure("open", "Open", theme.money(exposure, currency),
                    f"{int((frame['exposure'] > 0).sum()):,} customers"),
            _figure("overdue", "Overdue", theme.money(overdue, currency),
                    f"{overdue / exposure:.0%} of what is open" if exposure else "–"),
            _figure("loss", "Expected loss", theme.money(loss.expected, currency),
                    f"{share}95 %: {theme.compact_number(loss.low)} to {theme.compact_number(loss.high)}"),
            _figure("settled", "Of it in default already", theme.money(loss.settled, currency),
                    "60 or more days past due"),
            _figure("high", "High risk", f"{levels.get('high', 0):,}",
                    f"customers with {RULES.high_default:.0%} or more; {levels.get('watch', 0):,} to watch "
                    f"from {RULES.watch_default:.0%}"),
        ]  # fmt: skip
        after = self.made[1]
        if after is not None:
            figures.append(
                _figure("happened", "What happened after", theme.money(after, currency),
                        "of what was open was later 60 or more days past due; expected were "
                        + theme.money(float((frame["open_default"] * frame["exposure"]).sum()), currency))
            )  # fmt: skip
        day = predicted_on(self.session, "credit")
        caption = (
            f"Predicted on {day:%-d %B %Y}. Expected loss = chance of default of what is open × loss given "
            "default × amount; the interval is that of chance, customer by customer."
            if day
            else ""
        )
        self.cards.param.update(caption=caption, figures=figures)


class ReviewList(CreditView, ActionList):
    """The list that finance works through."""

    slug = "credit-review"
    title = "Review list ({currency})"
    description = (
        "High risk × high limit first. Select a customer to take it to the credit desk, or click its name "
        "for all that is known."
    )
    subject = "balances"
    follows = ("risk",)
    empty_message = "Nobody to review for these filters: nothing is open and no chance of default is high."
    columns = (
        ("customer_name", "Customer", "link"),
        ("owner", "Owner", "text"),
        ("chance", "Chance of default", "share"),
        ("exposure", "Open", "money"),
        ("overdue", "Overdue", "money"),
        ("credit_limit", "Credit limit", "money"),
        ("value", "Expected loss", "money"),
        ("step", "Suggested step", "long"),
        ("p_default", "Next invoice defaults", "share"),
        ("between", "95 % interval", "text"),
        ("p_late", "Paid late", "share"),
        ("points", "Points", "integer"),
        ("why", "Why", "long"),
    )
    tones = {"chance": "risk"}  # noqa: RUF012
    below = {"p_default": "between"}  # noqa: RUF012
    hidden = ("customer_id", "country", "level", "at_risk", "late_between", "amount", "reason")
    search_in = ("customer_name", "owner", "country", "step")
    search_label = "Search customers, owners, countries"
    height = 640

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], pl.DataFrame]:
        session, filters = self.session, filters.copy()
        return lambda: reviewed(session, sales, filters)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        return in_bands(self.made, bands_of(self.session))

    def show(self, frame: pl.DataFrame) -> None:
        wanted = self._wanted(self.made)
        if wanted != self.columns:
            self.columns, self.list = wanted, None  # type: ignore[misc]
        super().show(frame)

    def _wanted(self, rows: pl.DataFrame) -> tuple[tuple[str, str, str], ...]:
        """The columns, with those that are known for this date."""
        found = list(type(self).columns)
        if rows["boosted"].is_not_null().any():
            of = "late" if boosted_of(self.session) == "late" else "default"
            found.insert(-1, ("boosted", f"XGBoost: {of}", "share"))
        if rows["happened"].is_not_null().any():
            found.insert(3, ("happened", "What happened after", "text"))
        return tuple(found)

    def _asked(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "pick" and event.get("on"):
            key = str(event.get("key", ""))
            remember(self.session, key)
            if self.session.extra.get("who"):
                set_extra(self.session, who=key, amount="")
        super()._asked(event)

    def note(self, frame: pl.DataFrame) -> str:
        day = predicted_on(self.session, "credit")
        chosen = "Only the risk bands chosen in the chart. " if bands_of(self.session) else ""
        told = f"Predicted on {day:%-d %B %Y}. {chosen}{RULE}" if day else RULE
        return f"{told} {super().note(frame)}".strip()


class ExposureByBand(CreditView, Chart):
    """What is open by the risk of those who owe it; a click keeps that band in the list."""

    slug = "credit-bands"
    title = "Open by chance of default ({currency})"
    description = (
        f"Click a bar to keep only that band in the list. Green: low, amber: watch (from "
        f"{RULES.watch_default:.0%}), red: high (from {RULES.high_default:.0%})."
    )
    subject = "balances"
    follows = ("risk",)
    category = "label"
    pale = False
    measures = ("exposure",)
    empty_message = "Nothing is open for these filters."
    height = 280
    tooltips = (
        ("Chance of default", "@label"),
        ("Risk", "@level"),
        ("Open", "@exposure{0,0}"),
        ("of all that is open", "@share{0%}"),
        ("Overdue", "@overdue{0,0}"),
        ("Expected loss", "@expected_loss{0,0}"),
        ("Customers", "@customers{0,0}"),
    )

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], pl.DataFrame]:
        session, filters = self.session, filters.copy()
        return lambda: reviewed(session, sales, filters)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        chosen = bands_of(self.session)
        lit = pl.col("band").is_in(chosen) if chosen else pl.lit(True)
        return exposure_by_band(self.made).with_columns(
            mark_alpha=pl.when(lit).then(1.0).otherwise(theme.MUTED_ALPHA),
            mark_color=pl.col("level").replace_strict(_COLORS),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="label", y="exposure", line_color=None, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        front.glyph.width = 0.8
        figure.y_range.start = 0
        figure.xaxis.major_label_orientation = 0.6
        figure.add_tools(TapTool(renderers=[front]))
        front.data_source.selected.on_change("indices", self._tapped)

    def _tapped(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        if not indices:
            return
        source = self._front[0].data_source
        band = int(source.data["band"][indices[0]])
        source.selected.indices = []
        chosen = set(bands_of(self.session)) ^ {band}
        set_extra(self.session, risk=",".join(map(str, sorted(chosen))))


class LossByBand(CreditView, Chart):
    """Where the expected loss comes from."""

    slug = "credit-loss"
    title = "Expected loss by chance of default ({currency})"
    description = "Few customers carry most of it. The bands are those of the chart beside."
    subject = "balances"
    category = "label"
    pale = False
    measures = ("expected_loss",)
    empty_message = "No loss is expected for these filters."
    height = 280
    tooltips = (
        ("Chance of default", "@label"),
        ("Risk", "@level"),
        ("Expected loss", "@expected_loss{0,0}"),
        ("Open", "@exposure{0,0}"),
        ("Customers", "@customers{0,0}"),
    )

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], pl.DataFrame]:
        session, filters = self.session, filters.copy()
        return lambda: reviewed(session, sales, filters)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        return exposure_by_band(self.made).with_columns(
            mark_alpha=pl.lit(1.0), mark_color=pl.col("level").replace_strict(_COLORS)
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="label", y="expected_loss", line_color=None, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        self._front[0].glyph.width = 0.8
        figure.y_range.start = 0
        figure.xaxis.major_label_orientation = 0.6
