"""Recommendations from and to the database: the histories of customers are read part by part."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from core.database.base import Database
from core.errors import MissingDataError
from core.evaluation import Evaluation
from core.jobs.registry import JobError, Progress
from core.models.card import Decision, ModelCard, fingerprint
from core.models.ladder import badge, rung
from core.models.model import Model
from core.models.recommend import Recommender, backtest_recommendations
from core.models.recommend.judging import BASELINES, METRICS, MODEL
from core.models.recommend.tastes import COMPONENTS
from core.snapshots import default_cutoffs, order_span

CUSTOMERS_AT_ONCE = 50_000
TRAINING_CUSTOMERS = 100_000
"""A model learns from this many customers, drawn at random where there are more."""
BACKTEST_CUSTOMERS = 50_000
_PARTS_DRAWN = 20


def train(
    database: Database,
    *,
    as_of_day: int,
    horizon: int,
    terms_days: int,  # noqa: ARG001 - all jobs take the same
    progress: Progress,
) -> tuple[Recommender, ModelCard]:
    """A recommender trained on what was ordered before the as-of day, and its card."""
    progress("Reading purchases", 0.0)
    lines, left_out = _lines(database, as_of_day, TRAINING_CUSTOMERS)
    products, by_country = _products(database), _by_country(database, as_of_day)
    model = Recommender(horizon=horizon).fit(
        lines, products, as_of_day=as_of_day, by_country=by_country, progress=progress
    )
    judged = model.judged_
    events = int(judged.get("customers_judged", 0))
    decision = Decision(**judged["buy again"]) if "buy again" in judged else None
    card = ModelCard(
        task=Recommender.task,
        horizon_days=horizon,
        as_of_day=as_of_day,
        trained_rows=int(judged["purchases"]),
        events=events,
        rung=int(rung(events)),
        badge=badge(rung(events)),
        champion=decision.champion if decision else "untried defaults",
        decision=decision,
        metrics=_figures(judged, MODEL),
        baselines={name: _figures(judged, name) for name in BASELINES},
        features=COMPONENTS,
        fingerprint=fingerprint(lines, settings={"as_of_day": as_of_day, "horizon": horizon}),
        notes=tuple(_notes(judged, products, left_out)),
    )
    return model, card


def score(
    database: Database,
    model: Model,
    *,
    as_of_day: int,
    terms_days: int,  # noqa: ARG001
    progress: Progress,
) -> pl.DataFrame:
    """The recommended products of every customer; see ``Recommender.score``."""
    if not isinstance(model, Recommender):
        raise TypeError(f"A recommender was expected, not {type(model).__name__}.")
    products = _products(database)
    slices = _slices(database, as_of_day, CUSTOMERS_AT_ONCE)
    found = []
    for place, (first, last, _count) in enumerate(slices):
        progress("Recommending", place / max(len(slices), 1))
        lines = _read(database, as_of_day, first, last)
        found.append(model.score(lines, as_of_day=as_of_day, products=products))
    try:
        newcomers = database.query("models/customers_without_orders", as_of_day=as_of_day)
    except MissingDataError:
        newcomers = None
    if newcomers is not None and newcomers.height:
        nothing = pl.DataFrame(
            schema={"customer_id": newcomers.schema["customer_id"], "product_id": model.catalogue_.ids.dtype}
            | {"order_day": pl.Int64}
        )
        found.append(model.score(nothing, as_of_day=as_of_day, newcomers=newcomers, products=products))
    if not found:
        raise JobError("There is no customer to recommend anything to.", "Load customers or orders.")
    return pl.concat(found, how="vertical_relaxed")


def backtest(
    database: Database,
    *,
    horizon: int,
    cutoffs: Sequence[int] | None,
    terms_days: int,  # noqa: ARG001
    progress: Progress,
) -> Evaluation:
    """NDCG@10 at past cutoffs: a global split in time, trained anew at each."""
    first, last = order_span(database)
    days = list(cutoffs) if cutoffs else default_cutoffs(first, last, horizon)
    if not days:
        raise JobError(
            f"The orders of {last - first + 1} days are too few to test {horizon} days ahead.",
            "Choose a shorter --horizon.",
        )
    progress("Reading purchases", 0.0)
    lines, left_out = _lines(database, last + 1, BACKTEST_CUSTOMERS)
    found = backtest_recommendations(lines, _products(database), days, horizon, progress=progress)
    notes = [*found.notes, "Stock is ignored: its history is not known."]
    if left_out:
        notes.append(f"Judged on a random sample of customers; {left_out:,} were left out.")
    return replace(found, notes=tuple(notes))


def _slices(database: Database, as_of_day: int, size: int) -> list[tuple[object, object, int]]:
    """First and last customer and number of customers of each part of ``size`` customers."""
    rows = database.query("models/customer_slices", as_of_day=as_of_day, slice_size=size)
    ordered = rows.sort("slice_start")
    return list(ordered.select("first_customer_id", "last_customer_id", "customers").iter_rows())


def _read(database: Database, as_of_day: int, first: object, last: object) -> pl.DataFrame:
    return database.query(
        "models/purchases", as_of_day=as_of_day, first_customer_id=first, last_customer_id=last
    )


def _lines(database: Database, as_of_day: int, most: int) -> tuple[pl.DataFrame, int]:
    """The purchases of all customers, or of about ``most`` in parts drawn at random, and how many customers
    were left out."""
    slices = _slices(database, as_of_day, max(1, most // _PARTS_DRAWN))
    if not slices:
        raise JobError("There are no orders with a customer.", "Load or map orders with a customer each.")
    drawn = slices
    if len(slices) > _PARTS_DRAWN:
        places = np.random.default_rng(0).choice(len(slices), _PARTS_DRAWN, replace=False)
        drawn = [slices[place] for place in sorted(places)]
    left_out = sum(part[2] for part in slices) - sum(part[2] for part in drawn)
    if not left_out:
        # One query is quicker than twenty where all of it is wanted.
        return _read(database, as_of_day, slices[0][0], slices[-1][1]), 0
    parts = [_read(database, as_of_day, first, last) for first, last, _count in drawn]
    return pl.concat(parts, how="vertical_relaxed"), left_out


def _products(database: Database) -> pl.DataFrame | None:
    try:
        return database.query("models/products")
    except MissingDataError:
        return None


def _by_country(database: Database, as_of_day: int) -> pl.DataFrame | None:
    try:
        return database.query("models/purchases_by_country", as_of_day=as_of_day)
    except MissingDataError:
        return None


def _figures(judged: dict[str, object], name: str) -> dict[str, dict[str, float | None]]:
    """The mean figures of a ranking in the comparison that was made while training."""
    told = judged.get("evaluation")
    rows = told["scores"] if isinstance(told, dict) else []
    return {
        row["metric"]: {key: row[key] for key in ("value", "low", "high", "standard_error")}
        for row in rows
        if row["model"] == name and row["cutoff"] == "mean" and row["metric"] in METRICS.values()
    }


def _notes(judged: dict[str, object], products: pl.DataFrame | None, left_out: int) -> Iterator[str]:
    if left_out:
        yield f"Learned from a random sample of customers; {left_out:,} were left out."
    new = judged.get("new")
    if isinstance(new, dict):
        yield f"New products: {new['reason']}"
    else:
        yield "Too short a history to compare with simple rankings: defaults are used."
    near = judged.get("neighbours")
    if isinstance(near, dict) and near["ndcg_lost"] is not None:
        yield f"Neighbours kept for each product: {near['kept']}; NDCG@10 lost: {near['ndcg_lost']:.4f}."
    lacks = []
    if products is None or products["quantity_in_stock"].null_count() == products.height:
        lacks.append("stock, so that products out of stock may be recommended")
    if products is None or products["buy_price"].null_count() == products.height:
        lacks.append("purchase prices, so that margins are not weighed")
    if lacks:
        yield f"The data hold no {' and no '.join(lacks)}."
    yield (
        "Orders cancelled later count as interest, since their cancellation was not known then; as outcomes "
        "they do not count. Stock and prices are those of now."
    )
