"""What a user would build instead: a page of charts over the order lines with one country filter.

``patched``: plain Bokeh figures whose ``ColumnDataSource`` gets new data. ``rebuilt``: hvPlot objects
returned anew by ``pn.bind``. Both hold the order lines in memory once per process, as categories and floats,
and aggregate them with Polars, which is as fast as such a page gets without a cube.

Run as ``python -m tests.benchmarks.peers patched|rebuilt CHARTS CSV_FOLDER``; prints its address.
"""

import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import panel as pn
import polars as pl
import uvicorn
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from fastapi import FastAPI
from panel.io.fastapi import add_applications

DIMENSIONS = ("country", "product_line", "month", "sales_rep", "status", "price_band", "scale")
KINDS = ("patched", "rebuilt")


def read_lines(folder: Path) -> pl.DataFrame:
    """The order lines that are not cancelled, with what they are split by."""

    def table(name: str) -> pl.LazyFrame:
        return pl.scan_csv(folder / f"{name}.csv", try_parse_dates=True)

    category = pl.Categorical()
    return (
        table("orderdetails")
        .join(table("orders"), on="orderNumber")
        .join(table("customers"), on="customerNumber")
        .join(table("products"), on="productCode")
        .filter(pl.col("status") != "Cancelled")
        .select(
            pl.col("country").cast(category),
            pl.col("productLine").cast(category).alias("product_line"),
            pl.col("orderDate").dt.truncate("1mo").dt.to_string("%Y-%m").cast(category).alias("month"),
            pl.col("salesRepEmployeeNumber").cast(pl.String).cast(category).alias("sales_rep"),
            pl.col("status").cast(category),
            (pl.col("priceEach") // 20).cast(pl.Int32).cast(pl.String).cast(category).alias("price_band"),
            pl.col("productScale").cast(category).alias("scale"),
            (pl.col("quantityOrdered") * pl.col("priceEach")).cast(pl.Float64).alias("revenue"),
        )
        .collect()
    )  # fmt: skip


def totals(lines: pl.DataFrame, dimension: str, countries: list[str]) -> pl.DataFrame:
    """Revenue by one dimension, of the chosen countries or all."""
    kept = lines.lazy().select(dimension, "revenue", *({"country"} - {dimension}))
    if countries:
        kept = kept.filter(pl.col("country").is_in(pl.Series(countries, dtype=pl.Categorical)))
    summed = kept.group_by(dimension).agg(pl.col("revenue").sum())
    return summed.with_columns(pl.col(dimension).cast(pl.String)).drop_nulls().sort(dimension).collect()


def patched_page(lines: pl.DataFrame, charts: int) -> pn.viewable.Viewable:
    """Figures made once, whose sources get new data."""
    chosen = _country_widget(lines)
    parts: list[tuple[str, ColumnDataSource]] = []
    panes = []
    for dimension in DIMENSIONS[:charts]:
        frame = totals(lines, dimension, [])
        source = ColumnDataSource(frame.to_dict(as_series=False))
        drawn = figure(x_range=frame[dimension].to_list(), height=300, sizing_mode="stretch_width")
        drawn.vbar(x=dimension, top="revenue", width=0.8, source=source)
        parts.append((dimension, source))
        panes.append(pn.pane.Bokeh(drawn, sizing_mode="stretch_width"))

    def update(event: Any) -> None:
        with pn.io.hold():
            for dimension, source in parts:
                source.data = totals(lines, dimension, event.new).to_dict(as_series=False)

    chosen.param.watch(update, "value")
    return pn.Column(chosen, pn.GridBox(*panes, ncols=2, sizing_mode="stretch_width"))


def rebuilt_page(lines: pl.DataFrame, charts: int) -> pn.viewable.Viewable:
    """hvPlot objects returned anew on every change."""
    import hvplot.polars  # noqa: F401

    chosen = _country_widget(lines)

    def plot(dimension: str, countries: list[str]) -> Any:
        frame = totals(lines, dimension, countries)
        return frame.hvplot.bar(x=dimension, y="revenue", height=300, responsive=True)

    panes = [pn.bind(partial(plot, dimension), chosen) for dimension in DIMENSIONS[:charts]]
    return pn.Column(chosen, pn.GridBox(*panes, ncols=2, sizing_mode="stretch_width"))


def _country_widget(lines: pl.DataFrame) -> pn.widgets.MultiChoice:
    countries = sorted(lines["country"].cast(pl.String).unique().to_list())
    return pn.widgets.MultiChoice(label="Country", options=countries)


def main(kind: str, charts: int, folder: Path) -> None:
    """Serve one peer until ended."""
    pn.extension()
    lines = read_lines(folder)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    page = {"patched": patched_page, "rebuilt": rebuilt_page}[kind]
    app = FastAPI()
    add_applications(
        {"/": lambda: page(lines, charts)}, app=app, extra_websocket_origins=[f"127.0.0.1:{port}"]
    )
    print(f"http://127.0.0.1:{port}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws_max_size=2**26)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
