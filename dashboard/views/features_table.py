"""All customers with all features: sorted, searched and exported."""

from typing import Any

import polars as pl
import polars.selectors as cs

from core.filters import SalesFilters
from core.predictions.features import group_name
from core.predictions.people import selected_customers
from core.sales_data import SalesData
from core.snapshots import FEATURES, GROUPS
from dashboard.components.features import ExportButton
from dashboard.components.predictions import InputBar
from dashboard.predictions.action_list import ActionList
from dashboard.session import Session
from dashboard.views.features_base import OffLoop, choose, left_out, snapshot_of

_KINDS = {"currency": "money", "share": "share", "text": "text"}
_ALL = "all"


def _kind(name: str, dtype: pl.DataType) -> str:
    """How a feature is written: whole numbers without digits."""
    return _KINDS.get(FEATURES[name].unit, "integer" if dtype.is_integer() else "number")


class FeatureTable(OffLoop, ActionList):
    """The snapshot itself; pages, sorting and files are made on the server."""

    slug = "feature-table"
    title = "All customers and features ({currency})"
    description = "The snapshot on the as-of date. Files hold the selected rows, or all, with all features."
    sql = tuple(dict.fromkeys(feature.source for feature in FEATURES.values() if feature.source))
    uses = ("columns",)
    height = 620
    page_size = 15
    first_sort = "revenue_365"
    search_in = ("customer_name", "country", "main_product_line", "office_id")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._group = ""
        self.inputs = InputBar(on_set=self._chosen, sizing_mode="stretch_width")
        self.parquet = ExportButton(label="Export Parquet", form="parquet", on_event=self._export_asked)

    def _chosen(self, _name: str, value: Any) -> None:
        choose(self.session, columns=str(value))

    def _export_asked(self, event: dict[str, Any]) -> None:
        if self.list is not None:
            self._asked(event)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = snapshot_of(self.session, sales, filters)
        people = selected_customers(sales, SalesFilters()).select(
            pl.col("customer_id").cast(frame.schema["customer_id"]), "key", "customer_name"
        )
        return frame.join(people, on="customer_id", how="left", maintain_order="left").with_columns(
            cs.float().round(4)
        )

    def show(self, frame: pl.DataFrame) -> None:
        wanted = str(self.session.extra.get("columns", ""))
        group = wanted if wanted in GROUPS else _ALL
        names = [name for name, feature in FEATURES.items() if group in (_ALL, feature.group)]
        self.columns = (  # type: ignore[misc]
            ("customer_name", "Customer", "link"),
            *((name, FEATURES[name].label, _kind(name, frame.schema[name])) for name in names),
        )
        if self.list is not None and group != self._group:
            self.list.columns = [
                {"name": name, "title": title, "numeric": kind in ("money", "share", "number", "integer"),
                 "link": kind == "link"}
                for name, title, kind in self.columns
            ]  # fmt: skip
        self._group = group
        super().show(frame)
        if len(self._content.objects) == 1:
            self._content[:] = [self.inputs, *self._content.objects, self.parquet]
        self.inputs.fields = [
            {
                "name": "columns", "label": "Features shown", "kind": "select", "value": group,
                "options": [{"value": _ALL, "text": "All groups"}]
                + [{"value": name, "text": group_name(name)} for name in GROUPS],
            }
        ]  # fmt: skip

    def exported(self) -> pl.DataFrame:
        """The selected rows, or all of the list, with the names that the models use."""
        assert self._found is not None
        rows = self._found.filter(pl.col("key").is_in(self.selected)) if self.selected else self._found
        return rows.select("customer_id", "customer_name", "as_of_day", *FEATURES)

    def note(self, frame: pl.DataFrame) -> str:
        return f"{frame.height:,} customers, {len(FEATURES)} features. {left_out(self.session)}".strip()
