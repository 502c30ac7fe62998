"""Distributions of features, their sources, and how they go with each other."""

from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.models import ColumnDataSource, FactorRange, TapTool
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions.features import (
    correlations,
    described,
    distribution,
    group_name,
    meaning,
    numeric_features,
    relation,
)
from core.sales_data import SalesData
from core.snapshots import FEATURES, GROUPS, feature_sql
from dashboard import theme
from dashboard.components.features import FeatureList, FeatureSource
from dashboard.components.predictions import InputBar
from dashboard.session import Session
from dashboard.view import Chart, View
from dashboard.views.features_base import (
    FIRST,
    OTHER,
    DistributionFigure,
    FeatureRows,
    OffLoop,
    choose,
    chosen_feature,
    in_groups,
    left_out,
    snapshot_of,
    text_by_unit,
    titled,
)

ALL = "all"
_FIRST_ROWS, _FIRST_COLUMNS = "monetary", "frequency"
_MANY = 25
"""Names on an axis from which on they are written small."""


class FeaturePicker(OffLoop):
    """All features by business group, to be searched."""

    slug = "feature-list"
    title = "Features of customers"
    description = "Choose one to see how it is spread, what it means and where it comes from."
    uses = ()
    height = 420

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.list: FeatureList | None = None
        session.param.watch(self._mark, "extra")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return described(snapshot_of(self.session, sales, filters))

    def show(self, frame: pl.DataFrame) -> None:
        if self.list is None:
            self.list = FeatureList(on_event=self._asked, sizing_mode="stretch_both")
            self._content[:] = [self.list]
        self.list.param.update(
            rows=[
                {
                    "name": row["feature"], "label": row["label"], "group": group_name(row["group"]),
                    "said": f"{row['missing']:.0%} missing" if row["missing"] > 0 else "",
                }
                for row in in_groups(frame).to_dicts()
            ],
            active=chosen_feature(self.session),
        )  # fmt: skip

    def _mark(self, *_events: Any) -> None:
        if self.list is not None:
            self.list.active = chosen_feature(self.session)

    def _asked(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "choose" and event.get("name") in FEATURES:
            choose(self.session, feature=str(event["name"]))


class FeatureDistribution(OffLoop):
    """How the values of the chosen feature are spread over the customers."""

    slug = "feature-distribution"
    title = "Distribution"
    description = "Customers by value on the as-of date. Pale: all customers, without filters."
    height = 420

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._drawn = DistributionFigure(
            "customers", "everyone",
            (("Value", "@label"), ("Customers", "@customers{0,0}"), ("Share", "@customers_share{0.0%}")),
            behind=True, is_share=False,
        )  # fmt: skip

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        name = chosen_feature(self.session)
        self.sql = (FEATURES[name].source,) if FEATURES[name].source else ()
        everyone = snapshot_of(self.session, sales, SalesFilters())
        chosen = snapshot_of(self.session, sales, filters)
        table = distribution({"customers": chosen[name], "everyone": everyone[name]})
        missing = chosen[name].null_count() / max(1, chosen.height)
        return table.with_columns(missing=pl.lit(missing), of=pl.lit(chosen.height), feature=pl.lit(name))

    def is_empty(self, frame: pl.DataFrame) -> bool:
        return frame.is_empty() or not frame["customers"].sum()

    def show(self, frame: pl.DataFrame) -> None:
        name = frame["feature"][0]
        figure = self._drawn.shown(frame, FEATURES[name].unit)
        pane = self._content.objects[0]
        if not (isinstance(pane, pn.pane.Bokeh) and pane.object is figure):
            self._content[:] = [pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0)]
        self.card.title = titled(name, self.session.settings.currency)
        self.card.sql_names = list(self.sql)

    def note(self, frame: pl.DataFrame) -> str:
        row = frame.row(0, named=True)
        told = f"{row['of']:,} customers; {row['missing']:.1%} have no value."
        return f"{told} {left_out(self.session)}".strip()


class FeatureMeaning(OffLoop):
    """What the chosen feature means, in figures, and the query it comes from."""

    slug = "feature-source"
    title = "What it is and where it comes from"
    description = "The query gives all features of its group at once; the lines of this one are marked."
    wide = True
    height = 380

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.story: FeatureSource | None = None

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        name = chosen_feature(self.session)
        return described(snapshot_of(self.session, sales, filters)).filter(pl.col("feature") == name)

    def show(self, frame: pl.DataFrame) -> None:
        if self.story is None:
            self.story = FeatureSource(sizing_mode="stretch_both")
            self._content[:] = [self.story]
        row = frame.row(0, named=True)
        name = row["feature"]
        feature, unit = FEATURES[name], row["unit"]
        query = feature_sql(name)
        facts = [
            ("Feature", name), ("Group", group_name(feature.group)), ("Unit", self._unit(unit)),
            ("No value", f"{row['missing']:.1%}"), ("Distinct values", f"{row['distinct']:,}"),
        ]  # fmt: skip
        if unit == "text":
            facts.append(("Most frequent", row["common"] or "–"))
        else:
            told = {key: text_by_unit(row[key], unit) for key in ("mean", "median", "p10", "p90")}
            least, most = (text_by_unit(row[key], unit) for key in ("least", "most"))
            facts += [
                ("Mean", told["mean"]),
                ("Median", told["median"]),
                ("80 % of customers", f"{told['p10']} to {told['p90']}"),
                ("Range", f"{least} to {most}"),
            ]
        facts.append(("Models", "learn from it" if feature.training else "do not learn from it"))
        if feature.current:
            facts.append(("Mind", "a value of today on every as-of date: there is no history of it"))
        if said := meaning(name):
            facts.append(("Meaning", said))
        word = name
        if query is not None and name not in query.columns:
            word = f"{name}_squared"
        self.story.param.update(
            facts=[{"label": label, "value": value} for label, value in facts],
            file=f"sql/{query.name}.sql" if query else "It follows from the as-of date alone; no query.",
            sql=query.text if query else "",
            word=word,
        )
        heading = f"{feature.label[:1].upper()}{feature.label[1:]}"
        self.card.title = f"{heading}: what it is and where it comes from"

    def _unit(self, unit: str) -> str:
        return self.session.settings.currency if unit == "currency" else unit


class FeatureSummary(FeatureRows):
    """Every feature in one row; a click shows it above."""

    slug = "feature-summary"
    title = "All features in figures"
    description = "On the as-of date, over the customers selected. Click a feature to see it above."
    uses = ()
    height = 460
    columns = (
        ("label", "Feature", "link"),
        ("group", "Group", "text"),
        ("missing", "No value", "share"),
        ("distinct", "Distinct", "integer"),
        ("mean", "Mean", "number"),
        ("median", "Median", "number"),
        ("p10", "10 % below", "number"),
        ("p90", "90 % below", "number"),
    )
    hidden = ("feature", "unit", "least", "most", "common")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return in_groups(described(snapshot_of(self.session, sales, filters)))


def groups_of(session: Session) -> tuple[str, str]:
    """The groups of features down and across the map."""
    known = {*GROUPS, ALL}
    rows, columns = (str(session.extra.get(name, "")) for name in ("rows", "columns"))
    return rows if rows in known else _FIRST_ROWS, columns if columns in known else _FIRST_COLUMNS


def pair_of(session: Session) -> tuple[str, str]:
    """The two features whose relation is shown."""
    numbers = set(numeric_features())
    x, y = chosen_feature(session), chosen_feature(session, "other", OTHER)
    return x if x in numbers else FIRST, y if y in numbers else OTHER


class RelationChoice(View):
    """Which groups and which two features are looked at."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.inputs = InputBar(
            on_set=self._chosen, sizing_mode="stretch_width", styles={"grid-column": "1 / -1"}
        )
        self._chosen_before: dict[str, str] | None = None

    def panel(self) -> pn.viewable.Viewable:
        return self.inputs

    def refresh(self) -> None:
        if self.session.extra != self._chosen_before:
            self._chosen_before, self._shown_key = dict(self.session.extra), None
        super().refresh()

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        rows, columns = groups_of(self.session)
        x, y = pair_of(self.session)
        return pl.DataFrame({"rows": [rows], "columns": [columns], "feature": [x], "other": [y]})

    def show(self, frame: pl.DataFrame) -> None:
        groups = [
            {"value": ALL, "text": "All groups"},
            *({"value": group, "text": group_name(group)} for group in GROUPS),
        ]
        order = list(GROUPS)
        features = [
            {"value": name, "text": f"{group_name(FEATURES[name].group)}: {FEATURES[name].label}"}
            for name in sorted(numeric_features(), key=lambda name: order.index(FEATURES[name].group))
        ]
        chosen = frame.row(0, named=True)
        self.inputs.fields = [
            {"name": name, "label": label, "kind": "select", "value": chosen[name], "options": options}
            for name, label, options in (
                ("rows", "Map: features down", groups),
                ("columns", "Map: features across", groups),
                ("feature", "Relation: across", features),
                ("other", "Relation: up", features),
            )
        ]

    def _chosen(self, name: str, value: Any) -> None:
        known = {*GROUPS, ALL} if name in ("rows", "columns") else set(numeric_features())
        if value in known:
            choose(self.session, **{name: str(value)})


class Correlations(OffLoop):
    """Which features go together: a map of rank correlations."""

    slug = "feature-correlations"
    title = "Which features go together (rank correlation)"
    description = "Blue: both rise together; orange: one falls as the other rises. Click a cell to see why."
    uses = ("rows", "columns")
    wide = True
    height = 520

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.figure: Figure | None = None
        self._source = ColumnDataSource()

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        rows, columns = ("" if group == ALL else group for group in groups_of(self.session))
        frame = snapshot_of(self.session, sales, filters)
        table = correlations(frame, numeric_features(rows), numeric_features(columns))
        labels = {name: feature.label for name, feature in FEATURES.items()}
        return table.with_columns(
            row_label=pl.col("row").replace_strict(labels),
            column_label=pl.col("column").replace_strict(labels),
            mark_color=pl.when(pl.col("r") < 0).then(pl.lit(theme.SECOND)).otherwise(pl.lit(theme.ACCENT)),
            mark_alpha=pl.col("r").abs().fill_null(0.0),
        )

    def show(self, frame: pl.DataFrame) -> None:
        if self.figure is None:
            self._build(frame)
        assert self.figure is not None
        Chart._fill(self._source, frame)
        self.figure.x_range.factors = frame["column"].unique(maintain_order=True).to_list()
        self.figure.y_range.factors = frame["row"].unique(maintain_order=True).to_list()[::-1]
        many = max(len(self.figure.x_range.factors), len(self.figure.y_range.factors)) > _MANY
        for axis in (*self.figure.xaxis, *self.figure.yaxis):
            axis.major_label_text_font_size = "8px" if many else "11px"
        self.card.body_height = 760 if many else self.height

    def _build(self, frame: pl.DataFrame) -> None:
        import holoviews as hv

        element = frame.hvplot.heatmap(
            x="column", y="row", C="r", colorbar=False, xlabel="", ylabel="", responsive=True,
            rot=45,
        )  # fmt: skip
        figure: Figure = hv.render(element, backend="bokeh")
        theme.style_figure(figure, value_axis=None)
        assert isinstance(figure.x_range, FactorRange)
        figure.min_border_bottom = 88  # room for slanted names
        cells = figure.renderers[0]
        cells.data_source = self._source
        glyph = cells.glyph
        glyph.x, glyph.y = "column", "row"
        glyph.fill_color, glyph.fill_alpha, glyph.line_color = "mark_color", "mark_alpha", None
        glyph.width, glyph.height = 0.94, 0.9
        cells.nonselection_glyph = cells.selection_glyph = cells.hover_glyph = cells.muted_glyph = None
        Chart._fill(self._source, frame)
        figure.toolbar.tools = [
            theme.hover(
                (("Down", "@row_label"), ("Across", "@column_label"), ("Rank correlation", "@r{0.00}"),
                 ("Customers", "@customers{0,0}")), renderers=[cells],
            ),
            TapTool(renderers=[cells]),
        ]  # fmt: skip
        self._source.selected.on_change("indices", self._clicked)
        self.figure = figure
        self._content[:] = [pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0)]

    def _clicked(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        """Show how the two features of a cell go together."""
        if not indices:
            return
        row, column = (self._source.data[name][indices[0]] for name in ("row", "column"))
        self._source.selected.indices = []
        choose(self.session, feature=str(column), other=str(row))

    def note(self, frame: pl.DataFrame) -> str:
        pairs = frame.filter(pl.col("row") != pl.col("column")).drop_nulls("r")
        if pairs.is_empty():
            return left_out(self.session)
        top = pairs.sort(pl.col("r").abs(), descending=True).row(0, named=True)
        told = f"Closest: {top['row_label']} and {top['column_label']} ({top['r']:+.2f})."
        return f"{told} Over customers for whom both are known. {left_out(self.session)}".strip()


class FeatureRelation(OffLoop):
    """How the chosen feature goes with another one: customers as points, medians of groups."""

    slug = "feature-relation"
    title = "Relation of two features"
    description = (
        "Points: customers. Line: median of ten groups of equal size; band: 80 % of their customers."
    )
    uses = ("feature", "other")
    wide = True
    height = 400

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.figure: Figure | None = None
        self._points, self._groups = ColumnDataSource(), ColumnDataSource()
        self.groups = pl.DataFrame()

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        x, y = pair_of(self.session)
        points, groups = relation(snapshot_of(self.session, sales, filters), x, y)
        whole = pl.concat(
            [points.with_columns(part=pl.lit("customer")), groups.with_columns(part=pl.lit("group"))],
            how="diagonal_relaxed",
        )
        return whole.with_columns(x_feature=pl.lit(x), y_feature=pl.lit(y))

    def show(self, frame: pl.DataFrame) -> None:
        points = frame.filter(pl.col("part") == "customer").select("x", "y")
        groups = frame.filter(pl.col("part") == "group").select("x", "y", "low", "high", "customers")
        if self.figure is None:
            self._build(points)
        assert self.figure is not None
        Chart._fill(self._points, points)
        Chart._fill(self._groups, groups)
        x, y = frame["x_feature"][0], frame["y_feature"][0]
        currency = self.session.settings.currency
        self.figure.xaxis[0].axis_label = titled(x, currency)
        self.figure.yaxis[0].axis_label = titled(y, currency)
        self.card.title = f"{titled(y, currency)} by {FEATURES[x].label}"

    def _build(self, points: pl.DataFrame) -> None:
        import holoviews as hv
        from bokeh.models import DataRange1d

        element = points.hvplot.scatter(
            x="x", y="y", color=theme.ACCENT, size=36, alpha=0.35, line_color=None, xlabel="x", ylabel="y",
            responsive=True,
        )  # fmt: skip
        figure: Figure = hv.render(element, backend="bokeh")
        theme.style_figure(figure, value_axis="both")
        for axis in ("x_range", "y_range"):
            setattr(figure, axis, DataRange1d(range_padding=0.04))
        dots = figure.renderers[0]
        dots.data_source = self._points
        dots.nonselection_glyph = dots.selection_glyph = dots.hover_glyph = dots.muted_glyph = None
        figure.varea(
            x="x", y1="low", y2="high", source=self._groups, fill_color=theme.SECOND, fill_alpha=0.18,
            level="underlay",
        )  # fmt: skip
        figure.line(x="x", y="y", source=self._groups, line_color=theme.SECOND, line_width=2)
        marks = figure.scatter(x="x", y="y", source=self._groups, size=8, color=theme.SECOND)
        figure.toolbar.tools = [
            theme.hover(
                (("Mean across", "@x{0,0.00}"), ("Median up", "@y{0,0.00}"),
                 ("80 %", "@low{0,0.00} to @high{0,0.00}"), ("Customers", "@customers{0,0}")),
                renderers=[marks],
            )
        ]  # fmt: skip
        self.figure = figure
        self._content[:] = [pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0)]

    def note(self, frame: pl.DataFrame) -> str:
        shown = frame.filter(pl.col("part") == "customer").height
        known = frame.filter(pl.col("part") == "group")["customers"].sum() or 0
        told = f"{known:,} customers for whom both are known"
        told += f", {shown:,} of them drawn." if shown < known else "."
        return f"{told} {left_out(self.session)}".strip()
