"""Trees that correct log-odds already known: boosting that starts from the prediction of another model.

They learn only what the other model misses, so that they need few rounds, and none where it is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.models.boosting import Booster
from core.models.calibration import expit
from core.models.purchases.history import Floats

_SETTINGS = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "base_score": 0.5,  # no constant of its own: everything starts from the other model
    "max_depth": 3,
    "eta": 0.1,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 10,
    "lambda": 5.0,
    "tree_method": "hist",
    "max_bin": 128,
    "nthread": 1,  # threads that wait for each other cost more than they save
}
_MOST_ROUNDS = 400
_PATIENCE = 15
_HELD_OUT = 3  # every third customer says when to stop


def train_correction(
    x: Floats, y: Floats, start: Floats, names: Sequence[str], customers: Floats, *, seed: int = 0
) -> Booster:
    """Trees whose margin, added to the log-odds ``start``, gives the log-odds of ``y`` = 1.

    The number of rounds is the best one for a third of the customers that is held out; there may be none
    worth while, then a single one is made.
    """
    import xgboost

    _people, person = np.unique(customers, return_inverse=True)
    held_out = np.random.default_rng(seed).integers(_HELD_OUT, size=int(person.max()) + 1)[person] == 0
    settings = _SETTINGS | {"seed": seed}
    everything = xgboost.DMatrix(x, y, base_margin=start)
    rounds = 1
    if held_out.any() and not held_out.all():
        learned, judged = (
            xgboost.DMatrix(x[rows], y[rows], base_margin=start[rows]) for rows in (~held_out, held_out)
        )
        trial = xgboost.train(
            settings,
            learned,
            _MOST_ROUNDS,
            evals=[(judged, "judged")],
            early_stopping_rounds=_PATIENCE,
            verbose_eval=False,
        )
        rounds = trial.best_iteration + 1
    booster = xgboost.train(settings, everything, rounds)
    return Booster(bytes(booster.save_raw("ubj")), tuple(names))


def corrected(start: Floats, margin: Floats) -> Floats:
    """The probability after the correction."""
    return expit(start + margin)
