"""Credit: whom finance reviews, what may be lost, who is how far past due, and what happened after."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import param
import polars as pl

from core.days import to_day
from core.evaluation import Estimate
from core.models.credit.binning import Bins
from core.models.credit.features import FEATURES
from core.models.credit.scorecard import Scorecard
from core.models.credit.sentences import shown
from core.models.ladder import BaseRate
from core.predictions.actions import ActionRules, finance_actions, joined
from core.predictions.backtests import StoredBacktest
from core.predictions.reasons import first_reasons
from core.receivables.matching import DEFAULT_DAYS
from core.receivables.quality import Quality
from core.sales.frames import SalesData
from core.sales.invoices import BUCKETS, Invoices


class CreditRules(ActionRules):
    """The thresholds of the review list and of the credit desk."""

    ceiling = param.Number(
        default=0.05, bounds=(0, 1), doc="A request passes up to this chance of default, unless chosen."
    )
    in_default = param.Number(
        default=0.995, bounds=(0, 1), doc="From this chance on, what is open counts as in default already."
    )


RULES = CreditRules()
EDGES = (0.0, 0.01, 0.02, RULES.watch_default, 0.1, RULES.high_default, 0.5)
"""Lower ends of the risk bands."""
BANDS = ("under 1%", "1–2%", "2–5%", "5–10%", "10–20%", "20–50%", "50% and more")
LEVELS = {"low": "low", "medium": "watch", "high": "high"}
"""What the levels of risk are called."""

METRICS = ("AUC", "Gini", "Brier", "ECE")

_DRAWN = 400
_DRAWS = 4_000
_TAILS = (2.5, 97.5)


def review(
    people: pl.DataFrame,
    credit: pl.DataFrame,
    *,
    churn: pl.DataFrame | None = None,
    spend: pl.DataFrame | None = None,
    boosted: pl.DataFrame | None = None,
    after: pl.DataFrame | None = None,
    currency: str,
    rules: ActionRules = RULES,
) -> pl.DataFrame:
    """Customers for finance to look at, high risk × high limit first.

    Parameters
    ----------
    people
        As from ``core.predictions.people.selected_customers``.
    credit, churn, spend
        Score tables; the suggested step is that of the joint recommendation.
    boosted
        customer_id and boosted, the chance by trees alone.
    after
        As from ``happened_after``.

    Returns
    -------
    The columns of ``core.predictions.actions.finance_actions`` with, beside these, amount (mean invoice,
    currency), points, boosted, between and late_between (95 % intervals as text), band (place in ``BANDS``),
    level (of ``LEVELS``), why (the first of the reasons), happened (text; null while nothing is known).
    """
    frame = finance_actions(
        joined(people, churn=churn, spend=spend, credit=credit), currency=currency, rules=rules
    )
    key = pl.col("customer_id").cast(people.schema["customer_id"])
    frame = frame.join(
        credit.select(
            key,
            pl.col("amount").cast(pl.Float64),
            pl.col("points").cast(pl.Float64),
            late_between=_between("late_low", "late_high"),
        ),
        on="customer_id", how="left", maintain_order="left",
    )  # fmt: skip
    for more, columns in ((boosted, {"boosted": pl.Float64}), (after, {"happened": pl.String})):
        if more is None:
            frame = frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in columns.items())
        else:
            known = more.select(key, *columns)
            frame = frame.join(known, on="customer_id", how="left", maintain_order="left")
    place = pl.sum_horizontal((pl.col("chance") >= edge).cast(pl.Int64) for edge in EDGES[1:])
    return frame.with_columns(
        between=_between("default_low", "default_high"),
        band=place,
        level=pl.col("risk").replace_strict(LEVELS),
        why=first_reasons("reason"),
    )


def _between(low: str, high: str) -> pl.Expr:
    ends = ((pl.col(name).cast(pl.Float64) * 100).round(1) for name in (low, high))
    return pl.format("{}–{}%", *ends)


def exposure_by_band(rows: pl.DataFrame) -> pl.DataFrame:
    """What is open by the risk of who owes it, from ``review``.

    Returns
    -------
    band (place in ``BANDS``), label, level (of ``LEVELS``), customers, exposure, overdue, expected_loss
    (currency), share (of the exposure); all bands, the lowest risk first.
    """
    names = ("exposure", "overdue", "expected_loss")
    sums = rows.group_by("band").agg(pl.len().alias("customers"), pl.col(names).sum())
    level = (
        pl.when(pl.col("band") >= EDGES.index(RULES.high_default))
        .then(pl.lit(LEVELS["high"]))
        .when(pl.col("band") >= EDGES.index(RULES.watch_default))
        .then(pl.lit(LEVELS["medium"]))
        .otherwise(pl.lit(LEVELS["low"]))
    )
    total = pl.col("exposure").sum()
    return (
        pl.DataFrame({"band": range(len(BANDS)), "label": BANDS}, schema_overrides={"band": pl.Int64})
        .join(sums, on="band", how="left", maintain_order="left")
        .with_columns(pl.col(names).fill_null(0.0), pl.col("customers").fill_null(0).cast(pl.Int64))
        .with_columns(level=level, share=pl.when(total > 0).then(pl.col("exposure") / total).otherwise(0.0))
    )


def in_bands(rows: pl.DataFrame, bands: Collection[int]) -> pl.DataFrame:
    """The rows of these bands; all for no bands."""
    return rows.filter(pl.col("band").is_in(list(bands))) if bands else rows


@dataclass(frozen=True)
class Loss:
    """What is expected to be lost on what is open (currency), and where it will lie in 95 of 100 cases.

    ``settled`` is the part of it on what is in default already.
    """

    expected: float
    low: float
    high: float
    settled: float


def expected_loss(rows: pl.DataFrame, rules: CreditRules = RULES, seed: int = 0) -> Loss:
    """The loss of all customers together, from ``review``.

    What a customer owes defaults as a whole or not, customers independently of each other, and the loss given
    default is fixed: the interval is that of chance alone. The customers that matter most are drawn; those
    left add a normal spread.
    """
    owed = rows.filter(pl.col("expected_loss") > 0, pl.col("open_default") > 0)
    chance = owed["open_default"].to_numpy()
    mean = owed["expected_loss"].to_numpy()
    certain = chance >= rules.in_default
    settled = float(mean[certain].sum())
    chance, mean = chance[~certain], mean[~certain]
    severity = mean / chance
    spread = severity**2 * chance * (1 - chance)
    order = np.argsort(-spread)
    first, rest = order[:_DRAWN], order[_DRAWN:]
    random = np.random.default_rng(seed)
    lost = (random.random((_DRAWS, len(first))) < chance[first]) @ severity[first]
    lost = lost + mean[rest].sum() + random.normal(size=_DRAWS) * np.sqrt(spread[rest].sum())
    low, high = np.percentile(lost, _TAILS)
    return Loss(
        expected=settled + float(mean.sum()),
        low=settled + max(float(low), 0.0),
        high=settled + float(high),
        settled=settled,
    )


def past_due_by_customer(
    sales: SalesData, invoices: Invoices, people: pl.DataFrame, limit: int | None = None
) -> pl.DataFrame:
    """Who owes how much since when, the largest overdue amount first.

    Parameters
    ----------
    people
        The customers that pass, as from ``core.predictions.people.selected_customers``.

    Returns
    -------
    customer_id, customer_name, owner, open, overdue (currency), a column for each of
    ``core.sales.invoices.BUCKETS`` (currency), oldest (most days past due), invoices, credit_limit.
    """
    sums = invoices.open.group_by("customer").agg(
        open=pl.col("open_amount").sum().round(2),
        overdue=pl.col("open_amount").filter(pl.col("days_past_due") > 0).sum().round(2),
        oldest=pl.col("days_past_due").max(),
        invoices=pl.len().cast(pl.Int64),
        **{name: pl.col("open_amount").filter(pl.col("bucket") == name).sum().round(2) for name in BUCKETS},
    )
    key = sales.customers["customer_id"].gather(sums["customer"])
    found = (
        sums.drop("customer")
        .with_columns(customer_id=key)
        .join(
            people.select("customer_id", "customer_name", "owner", "credit_limit"),
            on="customer_id", how="inner",
        )
        .sort("overdue", "open", "customer_id", descending=[True, True, False])
    )  # fmt: skip
    return found if limit is None else found.head(limit)


def matching_facts(told: Quality, currency: str) -> list[dict[str, str]]:
    """How payments were matched to invoices: label and value of each figure."""
    settled = (
        told.exact_invoices
        + told.sum_invoices
        + told.parts_invoices
        + told.fifo_invoices
        + told.on_account_invoices
    )

    def of_settled(count: int) -> str:
        return f"{count:,} ({count / settled:.0%})" if settled else "0"

    facts = [
        ("Invoices", f"{told.invoices:,}, {currency} {told.invoiced:,.0f}"),
        ("Payments", f"{told.payments:,}, {currency} {told.received:,.0f}"),
        ("Settled by a payment of exactly their amount", of_settled(told.exact_invoices)),
        ("Settled as part of a sum of invoices", of_settled(told.sum_invoices)),
        ("Settled by two payments together", of_settled(told.parts_invoices)),
        ("Settled as the oldest open one", of_settled(told.fifo_invoices)),
        ("Settled by money that came before", of_settled(told.on_account_invoices)),
        ("Open", f"{told.open_invoices:,}, {currency} {told.open_amount:,.0f}"),
        ("Payments not matched to an invoice", f"{told.unmatched_payments:,}"),
        ("Money on account", f"{currency} {told.on_account:,.0f}"),
        ("Paid late or overdue", f"{told.late_invoices:,} {_of(told.late_invoices, told.invoices)}"),
        (
            f"{DEFAULT_DAYS} or more days past due",
            f"{told.defaulted_invoices:,} {_of(told.defaulted_invoices, told.invoices)}",
        ),
    ]
    if told.payments_before_order:
        facts.append(("Payments that came before their order", f"{told.payments_before_order:,}"))
    if told.rows_left_out:
        facts.append(("Rows left out (no customer, day or amount)", f"{told.rows_left_out:,}"))
    return [{"label": label, "value": value.strip()} for label, value in facts]


def _of(part: int, whole: int) -> str:
    return f"({part / whole:.1%})" if whole else ""


def rate_in_words(base: BaseRate) -> str:
    """A rate with its Beta interval: ``2 of 308: 0.8% (0.1% to 2.0%)``."""
    low, high = base.interval()
    return f"{base.events:,} of {base.trials:,}: {base.rate:.1%} ({low:.1%} to {high:.1%})"


def happened_after(invoices: pl.DataFrame, as_of_day: int, horizon: int, known_day: int) -> pl.DataFrame:
    """What became of the invoices of the ``horizon`` days from ``as_of_day`` on.

    Parameters
    ----------
    invoices
        ``Matching.invoices`` as of ``known_day``.

    Returns
    -------
    customer_id, invoices (dated in these days), known (of which it is known whether they were paid late),
    late, default_known, defaults, happened (text, null while nothing is known). Customers without such
    invoices are left out.
    """
    late, default = pl.col("days_past_due") > 0, pl.col("days_past_due") >= DEFAULT_DAYS
    late_known = pl.col("due_day") + 1 <= known_day
    default_known = pl.col("due_day") + DEFAULT_DAYS <= known_day
    counted = (
        invoices.filter(
            pl.col("amount") > 0, pl.col("order_day").is_between(as_of_day, as_of_day + horizon - 1)
        )
        .group_by("customer_id")
        .agg(
            invoices=pl.len().cast(pl.Int64),
            known=late_known.sum().cast(pl.Int64),
            late=(late_known & late).sum().cast(pl.Int64),
            default_known=default_known.sum().cast(pl.Int64),
            defaults=(default_known & default).sum().cast(pl.Int64),
        )
        .sort("customer_id")
    )
    known = pl.col("known")
    return counted.with_columns(
        happened=pl.when(known == 0)
        .then(pl.lit(None, pl.String))
        .when(pl.col("defaults") > 0)
        .then(pl.format("{} of {} in default", "defaults", known))
        .when(pl.col("late") > 0)
        .then(pl.format("{} of {} paid late", "late", known))
        .otherwise(pl.format("{} paid in time", known))
    )


def defaulted_of_open(then: pl.DataFrame, now: pl.DataFrame) -> float:
    """How much of what was open then was later ``DEFAULT_DAYS`` or more days past due (currency).

    ``then`` and ``now`` are ``Matching.invoices`` as of two days.
    """
    late = now.filter(pl.col("days_past_due") >= DEFAULT_DAYS).select("invoice_id")
    return float(
        then.filter(pl.col("amount") > 0, pl.col("open_amount") > 0)
        .join(late, on="invoice_id", how="semi")["open_amount"]
        .sum()
    )


def then_and_after(
    dated: Sequence[tuple[dt.date, pl.DataFrame]], invoices: pl.DataFrame, horizon: int, known_day: int
) -> pl.DataFrame:
    """Predicted and observed shares of invoices paid late and in default, by date of the prediction.

    Parameters
    ----------
    dated
        Dates with their score tables.
    invoices
        ``Matching.invoices`` as of ``known_day``.

    Returns
    -------
    date, invoices (of scored customers in the ``horizon`` days from then on, whose fate is known), late_said
    (mean chance of their customers), late (observed share), late_low, late_high (95 %, Beta), judged
    (invoices of which default is known), default_said, default, default_low, default_high; nulls while
    nothing is known.
    """
    rows = []
    for date, scores in dated:
        fates = happened_after(invoices, to_day(date), horizon, known_day)
        key = pl.col("customer_id").cast(fates.schema["customer_id"])
        both = scores.select(key, "score", "late").join(fates, on="customer_id", how="inner", suffix="_n")
        row: dict[str, object] = {"date": date}
        for name, said, known, events in (
            ("late", "late", "known", "late_n"),
            ("default", "score", "default_known", "defaults"),
        ):
            trials, happened = int(both[known].sum()), int(both[events].sum())
            row["invoices" if name == "late" else "judged"] = trials
            if not trials:
                row |= dict.fromkeys((f"{name}_said", name, f"{name}_low", f"{name}_high"))
                continue
            low, high = BaseRate(happened, trials).interval()
            row |= {
                f"{name}_said": float((both[said] * both[known]).sum()) / trials,
                name: happened / trials,
                f"{name}_low": low,
                f"{name}_high": high,
            }
        rows.append(row)
    shares = [f"{n}{s}" for n in ("late", "default") for s in ("_said", "", "_low", "_high")]
    schema = {"date": pl.Date, "invoices": pl.Int64, "judged": pl.Int64} | dict.fromkeys(shares, pl.Float64)
    return pl.DataFrame(rows, schema=schema)


def quality_table(stored: StoredBacktest) -> pl.DataFrame:
    """The measured quality of all models, averaged over the past dates.

    Returns
    -------
    model, a column for each of ``METRICS`` (text with the 95 % interval), better (by how much the champion is
    better in AUC, text); the champion first, then the other models, then the baselines.
    """
    champion = stored.champion or stored.models[0]
    names = [champion, *(name for name in (*stored.models, *stored.baselines) if name != champion)]
    rows = []
    for name in names:
        row = {"model": f"{name} (in use)" if name == champion else name}
        for metric in METRICS:
            row[metric] = _figure(stored.score(name, metric))
        row["better"] = _gain(stored, champion, name)
        rows.append(row)
    return pl.DataFrame(rows)


def _figure(figure: Estimate) -> str:
    if figure.value != figure.value:
        return "–"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _gain(stored: StoredBacktest, champion: str, other: str) -> str:
    table = stored.differences
    if table.is_empty() or champion == other:
        return "–"
    found = table.filter(
        pl.col("model") == champion, pl.col("baseline") == other, pl.col("metric") == METRICS[0]
    )
    if found.is_empty() or found["value"][0] is None:
        return "–"
    return f"{found['value'][0]:+.3f} [{found['low'][0]:+.3f}, {found['high'][0]:+.3f}]"


def points_table(card: Scorecard) -> pl.DataFrame:
    """The card to read: feature (label), bin (with its unit), points, best (most points of the feature)."""
    rows = [
        (_label(bins.name), _bin(bins, place), points[place], max(points))
        for bins, points in zip(card.features, card.points, strict=True)
        for place in range(bins.count)
    ]
    schema = {"feature": pl.String, "bin": pl.String, "points": pl.Int64, "best": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def points_of(card: Scorecard, features: Mapping[str, object], currency: str) -> pl.DataFrame:
    """The points of one request: feature (label), value (text), points, best; with ``card.base`` they add up
    to its score."""
    rows = []
    for bins, points in zip(card.features, card.points, strict=True):
        value = features[bins.name]
        kind = pl.String if bins.levels is not None else pl.Float64
        place = int(bins.place(pl.Series(bins.name, [value], dtype=kind))[0])
        rows.append(
            (_label(bins.name), shown(FEATURES[bins.name], value, currency), points[place], max(points))
        )
    schema = {"feature": pl.String, "value": pl.String, "points": pl.Int64, "best": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _label(name: str) -> str:
    label = FEATURES[name].label if name in FEATURES else name
    return label[:1].upper() + label[1:]


def _bin(bins: Bins, place: int) -> str:
    """A bin in words with its unit."""
    unit = FEATURES[bins.name].unit if bins.name in FEATURES else ""
    said = bins.says(place)
    if place == 0 or bins.levels is not None or not bins.cuts:
        return said
    if unit == "share":
        low = f"{bins.cuts[place - 2]:.1%}" if place > 1 else ""
        high = f"{bins.cuts[place - 1]:.1%}" if place <= len(bins.cuts) else ""
        return f"{low} to {high}" if low and high else f"up to {high}" if high else f"above {low}"
    return f"{said} days" if unit == "days" else said


def spread_of_points(points: pl.Series, width: int = 10) -> pl.DataFrame:
    """How many customers have which points.

    Returns
    -------
    points (lower end of a class of ``width``), label, customers; no gaps.
    """
    known = points.drop_nulls()
    if known.is_empty():
        return pl.DataFrame(schema={"points": pl.Int64, "label": pl.String, "customers": pl.Int64})
    place = pl.DataFrame({"points": (known / width).floor().cast(pl.Int64) * width})
    counted = place.group_by("points").agg(customers=pl.len().cast(pl.Int64))
    first, last = int(counted["points"].min()), int(counted["points"].max())  # type: ignore[arg-type]
    return (
        pl.DataFrame({"points": range(first, last + width, width)}, schema={"points": pl.Int64})
        .join(counted, on="points", how="left", maintain_order="left")
        .select(
            "points",
            pl.format("{}–{}", "points", pl.col("points") + width - 1).alias("label"),
            pl.col("customers").fill_null(0),
        )
    )
