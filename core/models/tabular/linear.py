"""The simple twin of the trees: ridge regression, or logistic regression with a ridge penalty."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.models.calibration import expit
from core.models.model import Part, Parts, array
from core.models.tabular.target import Kind

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """Weights of standardised numbers; a missing one counts as the mean, with a weight for being missing."""

    mean: Floats
    scale: Floats
    weights: Floats
    missing_weights: Floats
    intercept: float
    kind: Kind

    def contributions(self, x: Floats) -> Floats:
        """What each number adds to the margin: one row per row, one column per number."""
        missing = ~np.isfinite(x)
        standard = np.where(missing, 0.0, (np.where(missing, 0.0, x) - self.mean) / self.scale)
        return standard * self.weights + missing * self.missing_weights

    def predict(self, x: Floats) -> Floats:
        """Amounts or probabilities."""
        margin = self.intercept + self.contributions(x).sum(axis=1)
        return expit(margin) if self.kind == "chance" else margin

    def save(self) -> Parts:
        """The arrays."""
        return {
            "linear_weights": np.vstack([self.mean, self.scale, self.weights, self.missing_weights]),
            "linear_intercept": np.array([self.intercept]),
        }

    @classmethod
    def load(cls, parts: Mapping[str, Part], kind: Kind) -> "Linear":
        """The model that ``save`` took apart."""
        mean, scale, weights, missing = array(parts["linear_weights"])
        return cls(mean, scale, weights, missing, float(array(parts["linear_intercept"])[0]), kind)


def train_linear(x: Floats, y: Floats, kind: Kind) -> Linear:
    """The penalty is chosen by cross-validation."""
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV

    known = np.isfinite(x)
    filled = known.sum(axis=0)
    mean = np.where(filled > 0, np.where(known, x, 0.0).sum(axis=0) / np.maximum(filled, 1), 0.0)
    spread = np.sqrt(
        np.where(known, (np.where(known, x, 0.0) - mean) ** 2, 0.0).sum(axis=0) / np.maximum(filled, 1)
    )
    scale = np.where(spread > 0, spread, 1.0)
    standard = np.where(known, (np.where(known, x, 0.0) - mean) / scale, 0.0)
    design = np.hstack([standard, (~known).astype(np.float64)])
    if kind == "chance":
        folds = min(5, int((y > 0).sum()), int((y <= 0).sum()))
        fitted = LogisticRegressionCV(
            Cs=np.logspace(-3, 1, 6),
            cv=max(2, folds),
            scoring="neg_log_loss",
            solver="newton-cholesky",
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        ).fit(design, y)
        weights, intercept = fitted.coef_[0], float(fitted.intercept_[0])
    else:
        ridge = RidgeCV(alphas=np.logspace(-2, 4, 13)).fit(design, y)
        weights, intercept = ridge.coef_, float(ridge.intercept_)
    count = x.shape[1]
    return Linear(mean, scale, weights[:count], weights[count:], intercept, kind)
