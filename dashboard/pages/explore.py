"""Explore: four chapters of linked charts, at most six in each."""

from collections.abc import Sequence

import panel as pn
import param

from dashboard.components import CardGrid, TabStrip
from dashboard.page import Page
from dashboard.session import Session
from dashboard.view import View
from dashboard.views import customers, money, places, products, receivables
from dashboard.views.figures import KeyFigures
from dashboard.views.rows import OrderRows
from dashboard.views.timeline import RevenueTimeline

CHAPTERS: dict[str, tuple[str, tuple[type[View], ...]]] = {
    "reach": (
        "Reach",
        (
            places.RevenueByCountry,
            places.CountryMap,
            places.CustomersByCountry,
            customers.PurchasingPower,
            customers.CreditLimits,
            customers.CustomerScatter,
        ),
    ),
    "products": (
        "Products",
        (
            products.VolumeByProductLine,
            products.GrossProfitByProductLine,
            products.Pareto,
            products.PriceAgainstMsrp,
            products.StockCover,
            products.DeadStock,
        ),
    ),
    "money": (
        "Money",
        (
            money.RevenueAndProfit,
            places.RevenueByOffice,
            places.RevenueByRepresentative,
            products.Seasonality,
        ),
    ),
    "receivables": (
        "Receivables",
        (
            money.PaymentsAndInvoices,
            receivables.DaysToPay,
            receivables.Ageing,
            money.LargestDebtors,
        ),
    ),
}


class Explore(Page):
    """Key figures, a time strip to brush, the charts of one chapter, and the rows behind them."""

    slug = "explore"
    title = "Explore"
    position = 2

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.top: list[View] = [KeyFigures(session, compact=True), RevenueTimeline(session)]
        self.rows = OrderRows(session)
        self._chapters: dict[str, list[View]] = {}
        self._grids: dict[str, CardGrid] = {}
        self._stage = pn.Column(sizing_mode="stretch_width", margin=0)
        self.tabs = TabStrip(
            tabs=[{"slug": slug, "title": title} for slug, (title, _) in CHAPTERS.items()],
            active=self._tab(),
            sizing_mode="stretch_width",
        )
        self.tabs.param.watch(self._tab_chosen, "active")
        session.on_change(self._open_chapter)
        self._open_chapter()

    def _tab(self) -> str:
        return self.session.tab if self.session.tab in CHAPTERS else next(iter(CHAPTERS))

    def _tab_chosen(self, event: param.parameterized.Event) -> None:
        if event.new != self._tab():
            self.session.tab = event.new

    def _open_chapter(self) -> None:
        if self.session.page != self.slug:
            return
        tab = self._tab()
        if tab not in self._chapters:
            self._chapters[tab] = [view(self.session) for view in CHAPTERS[tab][1]]
            self._grids[tab] = CardGrid(
                objects=[view.panel() for view in self._chapters[tab]],
                max_columns=3 if sum(not view.wide for view in CHAPTERS[tab][1]) % 3 == 0 else 2,
                sizing_mode="stretch_width",
            )
            self._stage.append(self._grids[tab])
        for slug, grid in self._grids.items():
            grid.visible = slug == tab
        self.tabs.active = tab

    def panel(self) -> pn.viewable.Viewable:
        figures, timeline = (view.panel() for view in self.top)
        return pn.Column(
            self.tabs,
            pn.Column(figures, sizing_mode="stretch_width", margin=(16, 0)),
            timeline,
            pn.Column(self._stage, sizing_mode="stretch_width", margin=(16, 0)),
            self.rows.panel(),
            sizing_mode="stretch_width",
            margin=(8, 24, 24, 24),
        )

    def visible_views(self) -> Sequence[View]:
        return [*self.top, *self._chapters.get(self._tab(), []), self.rows]
