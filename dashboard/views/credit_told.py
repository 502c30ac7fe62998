"""A credit decision in figures and sentences."""

from dataclasses import dataclass
from typing import Any

from core.jobs import LoadedModel
from core.models.calibration import expit
from core.predictions.credit import points_of
from core.predictions.credit_desk import Judged, Request, credit_of, scorecard_of
from core.receivables import DEFAULT_DAYS


@dataclass(frozen=True)
class Answered:
    """What the desk shows: the model and its answer, or why there is none."""

    why_not: str = ""
    loaded: LoadedModel | None = None
    request: Request | None = None
    judged: Judged | None = None
    name: str = ""
    credit_limit: float | None = None
    suggested: tuple[tuple[str, str], ...] = ()


class Told:
    """An answer in figures and sentences."""

    def __init__(self, made: Answered, currency: str) -> None:
        assert made.judged is not None
        assert made.request is not None
        assert made.loaded is not None
        self.request, self.judged, self.currency = made.request, made.judged, currency
        self.answer = made.judged.answer
        self.model = credit_of(made.loaded)
        self.credit_limit = made.credit_limit
        self.knows_default = self.model.outcomes_["default"].scorecard is not None
        late = self.model.outcomes_.get("late")
        self.knows_late = late is not None and late.scorecard is not None

    def money(self, value: float) -> str:
        return f"{self.currency} {value:,.0f}"

    @property
    def broken(self) -> list[str]:
        """Which ceilings do not hold."""
        ceilings, answer = self.request.ceilings, self.answer
        found = []
        if answer.default > ceilings.default:
            found.append(f"the chance of default is above {ceilings.default:.1%}")
        if ceilings.expected_loss is not None and answer.expected_loss > ceilings.expected_loss:
            found.append(f"the expected loss is above {self.money(ceilings.expected_loss)}")
        return found

    def decision(self) -> tuple[str, str]:
        """The decision in a word or two, and why."""
        if self.answer.abstains:
            return "No answer", "see below"
        if self.answer.passes:
            return "Grant", "within what may be risked"
        return "Do not grant", "; ".join(self.broken)

    def figures(self) -> list[dict[str, str]]:
        answer, judged = self.answer, self.judged
        word, why = self.decision()
        limit = answer.largest_limit
        if self.answer.abstains:
            largest, detail = "–", "no answer"
        elif not limit:
            largest, detail = self.money(0), "no further invoice passes"
        else:
            largest, detail = self.money(limit), "open and new together"
        figures = [
            ("decision", "Decision", word, why),
            ("default", "Chance of default" if self.knows_default else "Default, any invoice",
             f"{answer.default:.1%}", f"95 %: {answer.default_low:.1%} to {answer.default_high:.1%}"),
            ("late", "Paid late" if self.knows_late else "Paid late, any invoice", f"{answer.late:.0%}",
             f"95 %: {answer.late_low:.0%} to {answer.late_high:.0%}"),
            ("loss", "Expected loss" if self.knows_default else "Expected loss at that rate",
             self.money(answer.expected_loss),
             f"on {self.money(answer.exposure)}; {self.model.loss_given_default:.0%} lost in default"),
            ("limit", "Largest limit that passes", largest, detail),
        ]  # fmt: skip
        if self.request.customer:
            current = "–" if self.credit_limit is None else self.money(self.credit_limit)
            figures += [
                ("open", "Open now", self.money(answer.open_amount), f"{self.money(judged.overdue)} overdue"),
                ("current", "Credit limit now", current, self._against_limit()),
            ]
        return [
            {"key": key, "label": label, "value": value, "detail": detail}
            for key, label, value, detail in figures
        ]

    def _against_limit(self) -> str:
        limit = self.credit_limit
        if limit is None:
            return "not in the data"
        over = self.answer.exposure - limit
        return f"exceeded by {self.money(over)} then" if over > 0 else f"{self.money(-over)} left then"

    def lead(self) -> str:
        days = self.judged.oldest
        if days < DEFAULT_DAYS:
            return self._said()
        return (
            f"In default already: the oldest open invoice is {days:,} days past due. Collect before granting "
            f"anything. {self._said()}"
        )

    def _said(self) -> str:
        answer = self.answer
        if answer.abstains and not self.knows_default:
            said = (
                f" What the data bear: such an invoice is paid late with a chance of {answer.late:.0%} "
                f"({answer.late_low:.0%} to {answer.late_high:.0%})."
                if self.knows_late
                else " Late payment cannot be told from customer to customer either."
            )
            return answer.abstains + said
        if answer.abstains:
            return (
                f"{answer.abstains} The figures above are a guess beyond what was seen: do not rely on them."
            )
        whole = (
            f"{self.money(self.request.amount)} on top of the {self.money(answer.open_amount)} that is open"
            if answer.open_amount
            else f"{self.money(self.request.amount)}, with nothing else open"
        )
        ceiling = self.request.ceilings.default
        side = "above" if answer.default > ceiling else "within"
        return (
            f"{whole}: the invoice defaults (60 or more days past due) with a chance of "
            f"{answer.default:.1%}, {side} the ceiling of {ceiling:.1%}. "
            f"Of the {self.money(answer.exposure)} open then, {self.money(answer.expected_loss)} is "
            "expected to be lost."
        )

    def sections(self) -> list[dict[str, Any]]:
        found = [*self._why(), self._flips(), *self._points(), *self._parts()]
        return [section for section in found if section]

    def _why(self) -> list[dict[str, Any]]:
        explanation = self.answer.explanation
        if not explanation.contributions:
            return []
        of = "default" if self.knows_default else "late payment"
        bars = [
            {"text": part.sentence or f"{part.group[:1].upper()}{part.group[1:]}: hardly any effect.",
             "size": part.value}
            for part in explanation.contributions
        ]  # fmt: skip
        start, end = (float(expit(value)) for value in (explanation.base, explanation.score))
        adding = sum(part.value for part in explanation.contributions)
        sign = "+" if adding >= 0 else "−"
        return [
            {
                "title": f"Why: what raises and lowers the chance of {of}",
                "bars": bars,
                "lines": [
                    f"From {start:.1%} for an average invoice to {end:.1%} for this one. In log-odds, "
                    f"where the bars add up: {explanation.base:.2f} {sign} {abs(adding):.2f} = "
                    f"{explanation.score:.2f}."
                ],
            }
        ]

    def _flips(self) -> dict[str, Any]:
        if self.answer.abstains:
            return {}
        lines = list(self.answer.flips)
        if not lines:
            lines = ["No amount within what was seen so far would change it."]
        return {"title": "What would change the answer", "lines": lines}

    def _points(self) -> list[dict[str, Any]]:
        card = scorecard_of(self.model)
        if card is None:
            return []
        outcome, scorecard = card
        rows = points_of(scorecard, self.answer.features, self.currency)
        total = scorecard.base + int(rows["points"].sum())
        lines = [f"{scorecard.base} points for everyone."]
        lines += [
            f"{row['feature']}: {row['value']} – {row['points']} of at most {row['best']} points."
            for row in rows.to_dicts()
        ]
        of = "default" if outcome == "default" else "late payment"
        return [{"title": f"Scorecard for {of}: {total} points", "lines": lines}]

    def _parts(self) -> list[dict[str, Any]]:
        said = {"default": ("Default", self.answer.default), "late": ("Paid late", self.answer.late)}
        lines = []
        for outcome, parts in self.judged.parts.items():
            label, together = said[outcome]
            each = ", ".join(f"{name} {chance:.1%}" for name, chance in parts.items())
            used = self.model.outcomes_[outcome].champion
            lines.append(f"{label}: {each}. Used is the {used}, calibrated: {together:.1%}.")
            if "XGBoost" not in parts:
                lines[-1] += " For XGBoost there are too few events."
        return [{"title": "What each part of the model says", "lines": lines}] if lines else []
