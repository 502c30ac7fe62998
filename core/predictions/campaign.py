"""What a campaign against churn would have brought: past predictions, what then happened, and money.

Who was contacted, who would not have ordered, and what their usual order was worth is measured at the past
dates of the backtest. What a contact costs and how often it succeeds is assumed by the reader.
"""

import datetime as dt
import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from core.database.base import Database
from core.days import to_day
from core.predictions.backtests import stored_backtest
from core.single_flight import SingleFlightCache
from core.snapshots import snapshots

Floats = npt.NDArray[np.float64]

STEPS = 100
"""Thresholds are whole per cents, 0 to 100."""
MOST_CUSTOMERS = 20_000
"""Customers of a large company whose past orders are read; they stand for all."""
_DRAWS = 400
_GROUPS = 1_000
_TAILS = (2.5, 97.5)
_CACHE: SingleFlightCache["PastCampaigns | None"] = SingleFlightCache(6)


@dataclass(frozen=True)
class PastCampaigns:
    """Predictions at past dates whose outcome was known, as if each had been the start of a campaign.

    Attributes
    ----------
    rows
        customer_id, cutoff_day, risk (predicted then), gone (1: no order within the horizon), order_value
        (the mean amount of an order until then, currency).
    horizon
        Days of the windows.
    scale
        How many customers a row stands for: above 1 where only a sample was read.
    """

    rows: pl.DataFrame
    horizon: int
    scale: float = 1.0

    def of(self, customer_ids: pl.Series) -> "PastCampaigns":
        """The same of some customers only."""
        kept = pl.DataFrame({"customer_id": customer_ids.cast(self.rows.schema["customer_id"])})
        return PastCampaigns(self.rows.join(kept, on="customer_id", how="semi"), self.horizon, self.scale)

    @property
    def dates(self) -> int:
        """How many past dates there are."""
        return self.rows["cutoff_day"].n_unique()

    @property
    def usual_order(self) -> float:
        """The mean amount of an order over all customers and dates; nan without any."""
        mean = self.rows["order_value"].mean()
        return float("nan") if mean is None else float(mean)  # type: ignore[arg-type]


def past_campaigns(
    database: Database, as_of: dt.date | None = None, *, terms_days: int = 30, most: int = MOST_CUSTOMERS
) -> PastCampaigns | None:
    """The stored backtest of churn with what a usual order of each customer was worth.

    Only dates whose outcome was known before ``as_of`` (default: all). ``None`` if there are none.
    """
    key: Hashable = (id(database), database.data_version(), as_of, terms_days, most)
    return _CACHE.get(key, lambda: _read(database, as_of, terms_days, most))


def _read(database: Database, as_of: dt.date | None, terms_days: int, most: int) -> PastCampaigns | None:
    stored = stored_backtest(database, "churn")
    if stored is None or stored.champion not in stored.predictions.columns:
        return None
    rows = stored.predictions.select("customer_id", "cutoff_day", risk=stored.champion, gone="actual")
    if as_of is not None:
        rows = rows.filter(pl.col("cutoff_day") + stored.horizon <= to_day(as_of))
    days = rows["cutoff_day"].unique().sort().to_list()
    if not days:
        return None
    few = rows["customer_id"].n_unique() <= most
    known = snapshots(database, days, terms_days=terms_days, customers=None if few else most)
    amounts = known.select(
        pl.col("customer_id").cast(rows.schema["customer_id"]),
        pl.col("as_of_day").cast(rows.schema["cutoff_day"]).alias("cutoff_day"),
        order_value=pl.col("mean_order_value").fill_null(0.0).clip(lower_bound=0.0),
    )
    found = rows.join(amounts, on=["customer_id", "cutoff_day"], how="inner")
    if found.is_empty():
        return None
    return PastCampaigns(found, stored.horizon, rows.height / found.height)


@dataclass(frozen=True)
class Assumptions:
    """What is not measured: cost of one contact (currency), its success rate, and margin on revenue."""

    cost: float
    success: float
    margin: float


@dataclass(frozen=True)
class Economics:
    """What campaigns at each threshold would have met, per campaign: averages over past dates.

    Arrays have one column per threshold (0 to 100 per cent). ``contacted``: customers at or above it,
    ``gone``: those of them who then did not order, ``value``: the sum of the usual orders of these
    (currency). The first dimension of ``by_date`` arrays is the date, of ``drawn`` arrays the draw.
    """

    horizon: int
    contacted: Floats
    gone: Floats
    value: Floats
    contacted_by_date: Floats
    value_by_date: Floats
    contacted_drawn: Floats
    value_drawn: Floats

    @property
    def dates(self) -> int:
        """Past dates that were averaged."""
        return len(self.contacted_by_date)

    def curve(self, assumed: Assumptions) -> pl.DataFrame:
        """Money at each threshold, per campaign.

        Returns
        -------
        threshold (0 to 1), contacted, gone, saved (customers), revenue (of those saved), cost, profit, low,
        high (95 % over customers; currency).
        """
        drawn = _profit(self.contacted_drawn, self.value_drawn, assumed)
        low, high = np.percentile(drawn, _TAILS, axis=0)
        return pl.DataFrame(
            {
                "threshold": np.arange(STEPS + 1) / STEPS,
                "contacted": self.contacted,
                "gone": self.gone,
                "saved": self.gone * assumed.success,
                "revenue": self.value * assumed.success,
                "cost": self.contacted * assumed.cost,
                "profit": _profit(self.contacted, self.value, assumed),
                "low": low,
                "high": high,
            }
        )

    def optimum(self, assumed: Assumptions) -> int:
        """The threshold (whole per cents) with the largest profit; of equals the highest."""
        return _best(_profit(self.contacted, self.value, assumed))

    def left_out(self, assumed: Assumptions) -> float:
        """Profit at dates that were left out when the threshold was chosen, on average; nan with one date."""
        profits = _profit(self.contacted_by_date, self.value_by_date, assumed)
        if len(profits) < 2:
            return float("nan")
        total = profits.sum(axis=0)
        return float(np.mean([own[_best(total - own)] for own in profits]))


def economics(past: PastCampaigns, draws: int = _DRAWS, seed: int = 0) -> Economics:
    """Count past campaigns at every threshold; the interval comes from drawing customers with replacement."""
    rows = past.rows
    bins = np.clip(np.floor(rows["risk"].to_numpy() * STEPS + 1e-9), 0, STEPS).astype(np.int64)
    gone = rows["gone"].to_numpy().astype(np.float64)
    amount = gone * rows["order_value"].to_numpy()
    group = customer_groups(rows["customer_id"])
    days, date = np.unique(rows["cutoff_day"].to_numpy(), return_inverse=True)
    count, size = int(group.max(initial=-1)) + 1, STEPS + 1

    def at_or_above(place: npt.NDArray[np.int64], places: int, weight: Floats) -> Floats:
        table = np.bincount(place * size + bins, weights=weight, minlength=places * size)
        return np.cumsum(table.reshape(places, size)[:, ::-1], axis=1)[:, ::-1] * past.scale

    ones = np.ones(len(bins))
    by_date = [at_or_above(date, len(days), weight) for weight in (ones, gone, amount)]
    per_campaign = max(len(days), 1)
    weights = drawn_weights(count, draws, seed)
    drawn = [weights @ at_or_above(group, count, weight) / per_campaign for weight in (ones, amount)]
    contacted, left, value = (table.sum(axis=0) / per_campaign for table in by_date)
    return Economics(past.horizon, contacted, left, value, by_date[0], by_date[2], drawn[0], drawn[1])


def customer_groups(customer_ids: pl.Series, most: int = _GROUPS) -> npt.NDArray[np.int64]:
    """For each row the number of its customer; many customers share numbers at random.

    Drawing such groups with replacement varies sums as much as drawing customers.
    """
    if customer_ids.is_empty():
        return np.zeros(0, dtype=np.int64)
    number = (customer_ids.rank("dense") - 1).to_numpy().astype(np.int64)
    customers = int(number.max()) + 1
    if customers <= most:
        return number
    shuffled = np.random.default_rng(0).permutation(customers) % most
    found: npt.NDArray[np.int64] = shuffled[number].astype(np.int64)
    return found


def drawn_weights(count: int, draws: int, seed: int) -> Floats:
    """How often each of ``count`` is drawn, for each draw (first dimension)."""
    if count == 0:
        return np.zeros((draws, 0))
    found = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    return found.astype(np.float64)


def usual_margin(revenue: float | None, gross_profit: float | None) -> float | None:
    """Gross profit over revenue as whole per cents of 5 to 100; ``None`` where it is not known."""
    if not revenue or gross_profit is None or math.isnan(gross_profit) or revenue <= 0:
        return None
    return min(max(round(gross_profit / revenue, 2), 0.05), 1.0)


def round_amount(amount: float) -> float:
    """The next amount below of the row 1, 2, 5, 10, 20, 50, …; at least 1."""
    if not amount >= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(amount))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= amount * (1 + 1e-12))


def _profit(contacted: Floats, value: Floats, assumed: Assumptions) -> Floats:
    return value * (assumed.success * assumed.margin) - contacted * assumed.cost


def _best(profits: Floats) -> int:
    return len(profits) - 1 - int(np.argmax(profits[::-1]))
