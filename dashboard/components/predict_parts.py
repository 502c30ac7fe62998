"""The components of the page that predicts any table: form, report, what-if, keeping."""

from pathlib import Path
from typing import Any, ClassVar

import param

from dashboard.components.scripts import script
from dashboard.components.telling import Telling

_FOLDER = Path(__file__).parent
_SHEETS = [
    (_FOLDER / name).read_text(encoding="utf-8")
    for name in ("base.css", "data_parts.css", "predict_parts.css")
]


class _PredictPart(Telling):
    """One card: ``state`` says all that it shows, messages say what a person did."""

    __abstract = True

    state = param.Dict(default={}, doc="What is shown, as plain values; each part knows its own keys.")

    def change(self, **changes: Any) -> None:
        """Change some of the state; nothing is sent if it is the same."""
        state = {**self.state, **changes}
        if state != self.state:
            self.state = state


class PredictForm(_PredictPart):
    """What is to be predicted, and from which columns; training and its progress."""

    _esm = script("predict_form.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class PredictReport(_PredictPart):
    """What a training found: badge, verdict, figures with intervals, warnings."""

    _esm = script("predict_report.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class PredictWhatIf(_PredictPart):
    """One row to change at will: score, interval and reasons follow."""

    _esm = script("predict_what_if.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class PredictKeep(_PredictPart):
    """Keeping a model, writing its scores back, and opening kept ones."""

    _esm = script("predict_keep.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS
