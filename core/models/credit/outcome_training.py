"""Training the model of one outcome: what the events bear, judged on customers held out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from core.evaluation import Evaluation, evaluate
from core.evaluation.metrics import AUC, BRIER
from core.models.boosting import Booster, category_codes, matrix, train_classifier
from core.models.calibration import Calibration, expit, fit_calibration, logit
from core.models.card import decide, measured
from core.models.credit.binning import Floats
from core.models.credit.outcome_model import (
    RECORD,
    RECORD_FEATURE,
    SCORECARD,
    TREES,
    OutcomeModel,
    by_record,
    name_of,
)
from core.models.credit.outcomes import event_customers
from core.models.credit.scorecard import Scorecard
from core.models.ladder import BaseRate, Rung

_FOLDS = 3
_FEW_FEATURES = 4
_MOST_LEVELS = 12
_REPEATS = 100
_SHALLOW = {
    "max_depth": 3, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.8, "min_child_weight": 10,
    "lambda": 5.0, "tree_method": "hist", "max_bin": 128,
}  # fmt: skip


def train_outcome(
    outcome: str,
    frame: pl.DataFrame,
    happened: Floats,
    customers: pl.Series,
    names: Sequence[str],
    directions: Mapping[str, int] | None = None,
    seed: int = 0,
) -> OutcomeModel:
    """The model that the events bear.

    Parameters
    ----------
    frame
        The features ``names``, one row per invoice (or applicant).
    happened
        1 where the outcome happened, else 0.
    customers
        Whose row it is: rows of a customer are never split between training and judging.
    directions
        By feature: 1 where risk may only rise with it, −1 where it may only fall.
    """
    events = event_customers(customers, pl.Series(happened))
    model = OutcomeModel(outcome, len(happened), events, BaseRate(int(happened.sum()), len(happened)))
    if model.rung == Rung.BASE_RATE:
        return model
    directions = directions or {}
    most = _FEW_FEATURES if model.rung == Rung.SIMPLE else None
    card = Scorecard.train(frame, happened, names, directions, most)
    codes = category_codes(frame, names)
    wide = [name for name, levels in codes.items() if len(levels) > _MOST_LEVELS]
    inputs = [name for name in names if name not in wide]
    codes = {name: levels for name, levels in codes.items() if name in inputs}
    trees, x = None, None
    if model.rung >= Rung.MEAN:
        x, labels = matrix(frame, inputs, codes)
        trees = train_classifier(
            x, happened, labels, customers.rank("dense").to_numpy(), monotone=dict(directions), seed=seed,
            settings=_SHALLOW,
        )  # fmt: skip
    held_out = _held_out(frame, happened, customers, names, directions, most, x, trees, seed)
    own = RECORD_FEATURE in names
    first: tuple[str, ...] = (RECORD,) if own else (SCORECARD,)
    more = (SCORECARD, TREES)[: 2 if trees is not None else 1]
    judged = [first]
    for member in more:
        if member not in judged[-1]:
            judged.append((*judged[-1], member))
    means = [expit(held_out.select(members).mean_horizontal().to_numpy()) for members in judged]
    held_out = held_out.with_columns(
        pl.Series(name_of(members), mean) for members, mean in zip(judged, means, strict=True)
    )
    evaluation = _compared(held_out, [name_of(members) for members in judged[1:]], name_of(first))
    members, decision = first, None
    for challenger in judged[1:]:
        found = decide(evaluation, simple=name_of(members), challenger=name_of(challenger), metric="AUC")
        if found.champion == name_of(challenger):
            members, decision = challenger, found
        elif members == first:
            decision = found
    raw = held_out[name_of(members)].to_numpy()
    calibration = _calibration(raw, happened, customers)
    return OutcomeModel(
        outcome=outcome,
        rows=model.rows,
        events=events,
        base=model.base,
        record=_record(frame, happened) if own else None,
        scorecard=card,
        trees=trees,
        codes=codes,
        members=members,
        calibration=calibration,
        strength=_strength(calibration.apply(raw), happened, customers),
        decision=decision,
        held_out=measured(evaluation, name_of(members)),
    )


def _record(frame: pl.DataFrame, happened: Floats) -> tuple[float, float]:
    """Intercept and slope of the outcome's log-odds on those of the record."""
    return _line(logit(frame[RECORD_FEATURE].to_numpy()), happened)


def _line(log_odds: Floats, happened: Floats) -> tuple[float, float]:
    """Intercept and slope of ridge logistic regression on one number; the slope is not negative."""
    from sklearn.linear_model import LogisticRegression

    x = log_odds.reshape(-1, 1)
    if np.ptp(x) == 0:
        rate = float(np.clip(happened.mean(), 1e-6, 1 - 1e-6))
        return float(logit(rate)), 0.0
    fitted = LogisticRegression(C=1.0).fit(x, happened)
    return float(fitted.intercept_[0]), max(0.0, float(fitted.coef_[0, 0]))


def _held_out(
    frame: pl.DataFrame,
    happened: Floats,
    customers: pl.Series,
    names: Sequence[str],
    directions: Mapping[str, int],
    most: int | None,
    x: Floats | None,
    trees: Booster | None,
    seed: int,
) -> pl.DataFrame:
    """Log-odds by each member for customers that the predicting model has not seen."""
    fold = (customers.hash(seed=seed) % _FOLDS).fill_null(0).to_numpy()
    card, boosted, own = (np.zeros(len(happened)) for _member in range(3))
    for number in range(_FOLDS):
        test, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if not len(test) or not 0 < happened[rest].mean() < 1:
            continue
        trained = Scorecard.train(frame[rest], happened[rest], names, directions, most)
        card[test] = trained.log_odds(frame[test])
        if RECORD_FEATURE in names:
            own[test] = by_record(_record(frame[rest], happened[rest]), frame[test])
        if trees is not None and x is not None:
            boosted[test] = _boosted(trees, x[rest], happened[rest], x[test], directions, seed)
    return pl.DataFrame(
        {
            "customer_id": customers,
            "cutoff_day": np.zeros(len(happened), dtype=np.int64),
            "actual": happened,
            RECORD: own,
            SCORECARD: card,
            TREES: boosted,
        }
    )


def _boosted(
    like: Booster, x: Floats, y: Floats, test: Floats, directions: Mapping[str, int], seed: int
) -> Floats:
    """Log-odds of ``test`` by trees as many and as deep as ``like``'s, trained on the rest."""
    import xgboost

    rounds = xgboost.Booster(model_file=bytearray(like.raw)).num_boosted_rounds()
    settings: dict[str, Any] = _SHALLOW | {"objective": "binary:logistic", "seed": seed, "nthread": 1}
    settings["monotone_constraints"] = tuple(directions.get(name, 0) for name in like.names)
    found = xgboost.train(settings, xgboost.DMatrix(x, y), num_boost_round=rounds)
    return np.asarray(found.inplace_predict(test, predict_type="margin"), dtype=np.float64)


def _compared(held_out: pl.DataFrame, challengers: Sequence[str], simple: str) -> Evaluation:
    metrics = {metric.name: metric for metric in (AUC, BRIER)}
    return evaluate(held_out, models=challengers, baselines=[simple], metrics=metrics, repeats=_REPEATS)


def _strength(probability: Floats, happened: Floats, customers: pl.Series) -> float:
    """How closely customers' own rates keep to the predictions: the size of a beta-binomial distribution.

    By maximum likelihood on a grid; each customer has the mean of its predictions.
    """
    from scipy.special import betaln

    sums = (
        pl.DataFrame({"customer": customers, "p": probability, "y": happened})
        .group_by("customer")
        .agg(pl.col("p").mean(), pl.col("y").sum(), n=pl.len())
    )
    p = np.clip(sums["p"].to_numpy(), 1e-6, 1 - 1e-6)
    y, n = sums["y"].to_numpy(), sums["n"].to_numpy()
    grid = np.geomspace(2, 500, 40)
    fit = [float((betaln(y + p * m, n - y + (1 - p) * m) - betaln(p * m, (1 - p) * m)).sum()) for m in grid]
    return float(grid[int(np.argmax(fit))])


def _calibration(raw: Floats, happened: Floats, customers: pl.Series) -> Calibration:
    """Isotonic regression where the ladder allows it and it beats a line on other customers."""
    chosen = fit_calibration(raw, happened)
    half = (customers.hash(seed=1) % 2).fill_null(0).to_numpy() == 0
    if chosen.kind == "isotonic" and 0 < happened[half].mean() < 1:
        bent = fit_calibration(raw[half], happened[half]).apply(raw[~half])
        intercept, slope = _line(logit(raw[half]), happened[half])
        straight = expit(intercept + slope * logit(raw[~half]))
        if BRIER(happened[~half], straight) <= BRIER(happened[~half], bent):
            intercept, slope = _line(logit(raw), happened)
            return Calibration("platt", slope=slope, intercept=intercept)
    return chosen
