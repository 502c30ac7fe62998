"""How well products are ranked on a later window: NDCG@10 per customer, for repeat and novel products and
both.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from core.evaluation import Evaluation, evaluate
from core.evaluation.metrics import Metric, mean_value
from core.models.recommend.purchases import Catalogue, Floats, bought_within, histories
from core.models.recommend.ranking import (
    Mask,
    frequency_then_popularity,
    ndcg_by_customer,
    personal_frequency,
)
from core.models.recommend.shortlist import shares_of
from core.models.recommend.tastes import NEIGHBOURS, Tastes
from core.models.recommend.tuning import Settings

MODEL, EASE_ALONE = "recommender", "EASE alone"
FREQUENCY, FREQUENCY_POPULARITY, POPULAR = (
    "personal frequency",
    "personal frequency, then popularity",
    "popularity",
)
MODELS = (MODEL, EASE_ALONE)
BASELINES = (FREQUENCY, FREQUENCY_POPULARITY, POPULAR)
GROUPS = ("repeat", "novel", "joint")
METRICS = {group: f"NDCG@10 {group}" for group in GROUPS}


def judged(
    bought: pl.DataFrame,
    lines: pl.DataFrame,
    catalogue: Catalogue,
    tastes: Tastes,
    settings: Settings,
    cutoff_day: int,
    horizon: int,
    further: Mapping[str, Tastes] | None = None,
) -> pl.DataFrame:
    """NDCG@10 of each ranking for each customer that bought in ``[cutoff_day, cutoff_day + horizon)``.

    Stock is not used: its history is unknown. Products bought that the catalogue does not know count in the
    ideal ranking.

    Parameters
    ----------
    further
        More tastes to rank new products by, by the name of their column.

    Returns
    -------
    polars.DataFrame
        cutoff_day, customer_id, group ("repeat": among products bought before; "novel": among the others;
        "joint"), actual (products bought) and one column per model or baseline, null where the customer
        bought nothing of the group.
    """
    wanted = histories(bought, catalogue, cutoff_day, settings.half_life)
    owner, _product = bought_within(lines, catalogue, wanted.customers, cutoff_day, cutoff_day + horizon)
    active = wanted.customers.gather(np.unique(owner))
    people = histories(
        bought.filter(pl.col("customer_id").is_in(active.implode())),
        catalogue,
        cutoff_day,
        settings.half_life,
    )
    parts = [pl.DataFrame(schema=_schema(people.customers.dtype, further))]
    for block in people.blocks(catalogue.size):
        owner, product = bought_within(lines, catalogue, block.customers, cutoff_day, cutoff_day + horizon)
        bought_mask = np.zeros((block.size, catalogue.size), dtype=bool)
        bought_mask[owner[product >= 0], product[product >= 0]] = True
        unknown = np.bincount(owner[product < 0], minlength=block.size)
        shares = shares_of(tastes, settings, block)
        popular = np.broadcast_to(tastes.popularity, shares.novel.shape)
        ease = tastes.components(block)[NEIGHBOURS]
        personal = personal_frequency(block, catalogue.size)
        rankings: dict[str, tuple[Floats, Floats, Floats]] = {
            MODEL: (shares.posterior, shares.novel, shares.posterior),
            EASE_ALONE: (ease, ease, ease),
            POPULAR: (popular, popular, popular),
            FREQUENCY: (personal, np.full_like(personal, np.nan), personal),
            FREQUENCY_POPULARITY: (frequency_then_popularity(block, tastes.popularity),) * 3,
        }
        for name, other in (further or {}).items():
            novel = np.tensordot(np.array(settings.novel_mix), other.components(block), axes=1)
            rankings[name] = (novel, novel, novel)
        masks: tuple[Mask, Mask, Mask] = (shares.seen, ~shares.seen, np.ones_like(shares.seen))
        for place, group in enumerate(GROUPS):
            missed = None if group == "repeat" else unknown
            scores = {
                name: ndcg_by_customer(ranking[place], masks[place], bought_mask, missed)
                if np.isfinite(ranking[place]).all()
                else np.full(block.size, np.nan)  # own purchases say nothing of new products
                for name, ranking in rankings.items()
            }
            rows = pl.DataFrame(
                {
                    "cutoff_day": np.full(block.size, cutoff_day),
                    "customer_id": block.customers,
                    "group": pl.repeat(group, block.size, dtype=pl.String, eager=True),
                    "actual": (bought_mask & masks[place]).sum(axis=1) + (0 if missed is None else missed),
                    **scores,
                }
            )
            parts.append(rows.cast(parts[0].schema).select(parts[0].columns))  # type: ignore[arg-type]
    return pl.concat(parts)


def _schema(customer: pl.DataType, further: Mapping[str, Tastes] | None) -> dict[str, pl.DataType]:
    names = [*MODELS, *BASELINES, *(further or {})]
    return {
        "cutoff_day": pl.Int64(), "customer_id": customer, "group": pl.String(), "actual": pl.Int64(),
        **dict.fromkeys(names, pl.Float64()),
    }  # fmt: skip


def compared(
    frame: pl.DataFrame,
    models: Sequence[str] = MODELS,
    baselines: Sequence[str] = BASELINES,
    repeats: int = 200,
    notes: Sequence[str] = (),
) -> Evaluation:
    """The mean NDCG@10 of each ranking and paired differences, by group, from the rows of ``judged``."""
    found = []
    for group, label in METRICS.items():
        metric = Metric(label, mean_value.prepare, larger_is_better=True)
        part = frame.filter(pl.col("group") == group, pl.col(models[0]).is_not_nan())
        found.append(
            evaluate(part, models=models, baselines=baselines, metrics={label: metric}, repeats=repeats)
        )
    return Evaluation.of(
        pl.concat([one.scores for one in found]),
        pl.concat([one.differences for one in found]),
        frame,
        models,
        baselines,
        notes,
    )
