"""Churn and spend on public data: all 23 570 CDNOW customers, and genuine Classic Models where it is at hand.

Protocol: CDNOW as one flat table in SQLite, mapped to the canonical views; cutoffs 1997-10-01, 1997-12-30 and
1998-04-01; 90 days; training snapshots every 60 days whose windows end by the cutoff; all customers seen
before. Classic Models: cutoffs 2004-06-01, -09-01, -12-01 and 2005-03-01; active customers. Values are
averages over cutoffs; a target is reached if it lies within one standard error.

Run it alone with ``python -m tests.benchmarks.public_churn``.
"""

import tempfile
from datetime import date
from pathlib import Path

from core.database import open_database
from core.days import to_day
from core.evaluation import Evaluation
from core.jobs import churn, spend
from tests.benchmarks.report import Row, print_table, progress
from tests.public_data import CDNOW_CUTOFFS, CDNOW_HORIZON, cdnow_database

CLASSIC_CUTOFFS = ("2004-06-01", "2004-09-01", "2004-12-01", "2005-03-01")
CLASSIC = Path(__file__).resolve().parents[3] / "shared" / "classicmodels" / "classicmodels.sqlite"
_TARGETS = {("churn", "AUC"): 0.797, ("churn", "Brier"): 0.1023, ("spend", "Gini"): 0.719}
_LESS_IS_BETTER = ("Brier", "ECE", "|bias|")


def measure() -> list[Row]:
    """The rows of this part."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        file = cdnow_database(Path(folder) / "cdnow.sqlite")
        if file is None:
            return [Row("CDNOW", "churn", None, "", note="the lifetimes wheel is not installed")]
        for task in ("churn", "spend"):
            found = _judged(file, task, CDNOW_CUTOFFS, "seen")
            rows += _rows(f"CDNOW, {task}", found, {m: t for (of, m), t in _TARGETS.items() if of == task})
    if not CLASSIC.is_file():
        return [*rows, Row("Classic Models, churn", "AUC", None, "", note="the genuine data are not here")]
    return rows + _rows("Classic Models, churn", _judged(CLASSIC, "churn", CLASSIC_CUTOFFS, "active"), {})


def _judged(file: Path, task: str, cutoffs: tuple[str, ...], population: str) -> Evaluation:
    job = {"churn": churn, "spend": spend}[task]
    with open_database(str(file)) as database:
        found: Evaluation = job.backtest(
            database,
            horizon=CDNOW_HORIZON,
            cutoffs=[to_day(date.fromisoformat(day)) for day in cutoffs],
            terms_days=30,
            progress=lambda what, _share: progress(f"{task}: {what}"),
            population=population,
        )
    for note in found.notes:
        progress(note)
    return found


def _rows(part: str, found: Evaluation, targets: dict[str, float]) -> list[Row]:
    """A row for each model and measure; the target moved by one standard error."""
    rows = []
    for metric in found.scores["metric"].unique(maintain_order=True):
        for model in (*found.models, *found.baselines):
            value = found.score(model, metric)
            target = targets.get(metric) if model == "champion" else None
            less = metric in _LESS_IS_BETTER
            note = f"{value.value:.4f} [{value.low:.4f}, {value.high:.4f}]"
            if target is not None:
                note += f"; to reach {target}, one standard error {value.standard_error:.4f}"
                target += value.standard_error if less else -value.standard_error
            rows.append(
                Row(
                    part,
                    f"{metric}, {model}",
                    value.value,
                    "",
                    target=target,
                    sense="at most" if less else "at least",
                    note=note,
                )
            )
    return rows


if __name__ == "__main__":
    print_table(measure())
