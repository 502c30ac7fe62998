"""Ways to forecast one series: a name, what history it needs, how it learns, how it foretells.

What is learned is plain JSON. Forecasts are made from it and the history by this module's own code, so that a
stored model needs no statistics library.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.models.sales.periods import Floats

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Method:
    """``least(season)`` periods are needed; ``learn(values, season)`` gives parameters; and
    ``foretell(values, season, parameters, steps)`` the next periods."""

    name: str
    least: Callable[[int], int]
    learn: Callable[[Floats, int], Parameters]
    foretell: Callable[[Floats, int, Parameters, int], Floats]


def _nothing(_values: Floats, _season: int) -> Parameters:
    return {}


def _recent_mean(values: Floats, _season: int, _parameters: Parameters, steps: int) -> Floats:
    return np.full(steps, values[-3:].mean())


def _seasonal_naive(values: Floats, season: int, _parameters: Parameters, steps: int) -> Floats:
    return np.resize(values[-season:], steps)


def _seasonal_growth(values: Floats, season: int, parameters: Parameters, steps: int) -> Floats:
    """Last year's values times the root of the growth of the latest half season over the year before it."""
    span = min(season // 2, len(values) - season)
    now, before = values[-span:].sum(), values[-span - season : -season].sum()
    growth = np.clip(np.sqrt(now / before), 0.5, 2.0) if now > 0 and before > 0 else 1.0
    return _seasonal_naive(values, season, parameters, steps) * growth


def _ets_learn(values: Floats, season: int) -> Parameters:
    """Additive Holt-Winters with damped trend (Hyndman et al. 2008), on logarithms where all are positive."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    logged = bool((values > 0).all())
    y = np.log(values) if logged else values
    scale = 1.0 if logged else float(max(np.abs(values).mean(), 1e-9))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = ExponentialSmoothing(
            y / scale,
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=season,
            initialization_method="heuristic",
        ).fit()
    found = fitted.params
    return {
        "logged": logged,
        "scale": scale,
        "alpha": float(found["smoothing_level"]),
        "beta": float(found["smoothing_trend"]),
        "gamma": float(found["smoothing_seasonal"]),
        "phi": float(found["damping_trend"]),
        "level": float(found["initial_level"]),
        "trend": float(found["initial_trend"]),
        "seasons": [float(value) for value in found["initial_seasons"]],
    }


def _ets_foretell(values: Floats, season: int, parameters: Parameters, steps: int) -> Floats:
    p = parameters
    y = np.log(np.maximum(values, 1e-9)) if p["logged"] else values / p["scale"]
    level, trend, seasons = p["level"], p["trend"], list(p["seasons"])
    for t, value in enumerate(y):
        drift = p["phi"] * trend
        old, level = level, p["alpha"] * (value - seasons[t]) + (1 - p["alpha"]) * (level + drift)
        trend = p["beta"] * (level - old) + (1 - p["beta"]) * drift
        seasons.append(p["gamma"] * (value - old - drift) + (1 - p["gamma"]) * seasons[t])
    damped = np.cumsum(p["phi"] ** np.arange(1, steps + 1))
    ahead = level + damped * trend + np.resize(seasons[-season:], steps)
    if p["logged"]:
        return np.exp(np.minimum(ahead, np.log(values.max()) + 2.0))
    return np.asarray(ahead * p["scale"])


def _theta_learn(values: Floats, season: int) -> Parameters:
    """The theta method (Assimakopoulos & Nikolopoulos 2000): exponential smoothing with half the linear trend
    (Hyndman & Billah 2003), seasons taken out before."""
    from statsmodels.tsa.forecasting.theta import ThetaModel
    from statsmodels.tsa.seasonal import seasonal_decompose

    seasons = [0.0] * season
    adjusted = values
    multiply = bool((values > 0).all())
    if len(values) >= 2 * season:
        model = "multiplicative" if multiply else "additive"
        cycle = seasonal_decompose(values, model=model, period=season).seasonal[:season]
        seasons = [float(value) for value in cycle]
        rolled = np.resize(cycle, len(values))
        adjusted = values / rolled if multiply else values - rolled
    else:
        multiply = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = ThetaModel(adjusted, deseasonalize=False).fit(disp=False)
    alpha = float(np.clip(fitted.params["alpha"], 0.01, 1.0))
    return {"alpha": alpha, "slope": float(fitted.params["b0"]), "seasons": seasons, "multiply": multiply}


def _theta_foretell(values: Floats, season: int, parameters: Parameters, steps: int) -> Floats:
    p = parameters
    cycle = np.array(p["seasons"])
    past, ahead = np.resize(cycle, len(values)), np.resize(np.roll(cycle, -(len(values) % season)), steps)
    adjusted = values / past if p["multiply"] else values - past
    level = adjusted[0]
    for value in adjusted[1:]:
        level += p["alpha"] * (value - level)
    weight = (1 - (1 - p["alpha"]) ** len(values)) / p["alpha"]
    path = level + 0.5 * p["slope"] * (np.arange(steps) + weight)
    return np.asarray(path * ahead if p["multiply"] else path + ahead)


RECENT_MEAN = Method("mean of the last 3", lambda _season: 3, _nothing, _recent_mean)
SEASONAL_NAIVE = Method("seasonal naive", lambda season: season, _nothing, _seasonal_naive)
GROWTH = Method("seasonal naive with growth", lambda season: season + 3, _nothing, _seasonal_growth)
ETS = Method("ETS", lambda season: 2 * season, _ets_learn, _ets_foretell)
THETA = Method("theta", lambda season: 2 * season, _theta_learn, _theta_foretell)
THETA_PLAIN = Method("theta without seasons", lambda _season: 8, _theta_learn, _theta_foretell)
METHODS = {m.name: m for m in (RECENT_MEAN, SEASONAL_NAIVE, GROWTH, ETS, THETA, THETA_PLAIN)}
_LONGEST_FITTED_SEASON = 24
BOOSTED, COMBINED = "boosted lags", "mean of all"


def simple_method(periods: int, season: int) -> Method:
    """The method that stays unless another is shown to be better: last year's values, if there is a year."""
    return SEASONAL_NAIVE if periods >= season else RECENT_MEAN


def candidates(periods: int, season: int) -> list[Method]:
    """The methods that a history allows.

    Seasons are fitted from two of them on; last year's values, which fit nothing, are allowed from one.
    """
    found = [RECENT_MEAN, THETA_PLAIN] if periods < season else [SEASONAL_NAIVE, GROWTH, ETS, THETA]
    if season > _LONGEST_FITTED_SEASON:
        found = [method for method in found if method is not ETS]
    return [method for method in found if periods >= method.least(season)]
