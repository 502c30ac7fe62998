"""What components show, as HTML: words, figures of merit and tables. All text is escaped."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import polars as pl
import polars.selectors as cs

from dashboard.components import Facts, FigureCards, RowTable
from dashboard.components.customer import CustomerPicker, CustomerStory, ShortList
from dashboard.components.decision_desk import DecisionDesk
from dashboard.components.features import FeatureList, FeatureSource
from dashboard.components.predictions import ActionRows, InputBar, TrustStrip

MOST_ROWS = 100
"""Rows of a table that a report holds."""


def tag(name: str, content: str, css: str = "") -> str:
    """An element around ``content``, which is HTML already; empty without content."""
    given = f' class="{css}"' if css else ""
    return f"<{name}{given}>{content}</{name}>" if content else ""


def text(value: object) -> str:
    """``value`` as text within HTML; line ends are kept."""
    return escape(str(value)).replace("\n", "<br>")


def figure_cards(shown: FigureCards) -> str:
    """Key figures with change, sparkline and note."""
    cards = "".join(
        f'<div class="figure" data-key="{escape(str(figure.get("key", "")))}">'
        + tag("dt", text(figure.get("label", "")))
        + tag("dd", text(figure.get("value", "")), "value")
        + tag("dd", text(figure.get("change", "")), f"change {escape(str(figure.get('trend', 'none')))}")
        + ("" if shown.compact else _sparkline(figure.get("spark") or ()))
        + tag("dd", text(figure.get("note", "")), "note")
        + "</div>"
        for figure in shown.figures
    )
    return tag("p", text(shown.caption), "caption") + tag("dl", cards, "figures")


def _sparkline(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    low, high = min(*values, 0.0), max(values)
    span, step = (high - low) or 1.0, 120 / (len(values) - 1)
    points = " ".join(
        f"{i * step:.1f},{30 - (value - low) / span * 28:.1f}" for i, value in enumerate(values)
    )
    return (
        '<dd class="spark"><svg viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true">'
        f'<polygon points="0,32 {points} 120,32"/><polyline points="{points}"/></svg></dd>'
    )


def trust_strip(shown: TrustStrip) -> str:
    """How far a prediction can be trusted."""
    words = tag("p", text(shown.headline), "headline") + tag("p", text(shown.detail), "detail")
    badge = tag("span", text(shown.badge), f"badge {shown.tone}")
    return tag("section", badge + tag("div", words), "trust") if shown.badge or shown.headline else ""


def fact_list(facts: Sequence[Mapping[str, Any]]) -> str:
    """Labels with their values."""
    rows = "".join(
        f"<div><dt>{text(fact.get('label', ''))}</dt><dd>{text(fact.get('value', ''))}</dd></div>"
        for fact in facts
    )
    return tag("dl", rows, "facts")


def _facts(shown: Facts) -> str:
    return tag("h2", text(shown.title)) + fact_list(shown.facts)


def table(heads: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]], total: int) -> str:
    """A table of ready-made HTML cells; ``heads`` are (title, whether its cells are numbers)."""
    if not heads:
        return ""
    sides = ["number" if numeric else "" for _title, numeric in heads]
    head = "".join(
        f'<th scope="col" class="{side}">{text(title)}</th>'
        for (title, _), side in zip(heads, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{side}">{cell}</td>' for cell, side in zip(row, sides, strict=False))
        + "</tr>"
        for row in rows
    )
    told = f"The first {len(rows):,} of {total:,} rows." if total > len(rows) else f"{total:,} rows."
    told = "1 row." if total == 1 else told
    grid = (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )
    return f'{grid}</div><p class="count">{told}</p>'


def _action_rows(shown: ActionRows) -> str:
    heads = [(str(column["title"]), bool(column.get("numeric"))) for column in shown.columns]
    rows = []
    for row in shown.rows[:MOST_ROWS]:
        small = row.get("small") or [""] * len(row["cells"])
        tones = row.get("tones") or [""] * len(row["cells"])
        rows.append(
            [
                (f'<i class="dot {escape(tone)}"></i>' if tone else "")
                + text(cell)
                + (tag("small", text(below)) if below and below != "–" else "")
                for cell, below, tone in zip(row["cells"], small, tones, strict=False)
            ]
        )
    return table(heads, rows, max(shown.total, len(shown.rows)))


def _row_table(shown: RowTable) -> str:
    heads = [(str(column["title"]), bool(column.get("numeric"))) for column in shown.columns]
    return table(heads, [[text(cell) for cell in row] for row in shown.rows[:MOST_ROWS]], shown.total)


def _short_list(shown: ShortList) -> str:
    rows = "".join(
        f"<li><span><b>{text(row.get('name', ''))}</b>{tag('small', text(row.get('detail', '')))}</span>"
        f"<span>{text(row.get('value', ''))}</span></li>"
        for row in shown.rows
    )
    return tag("ol", rows, "short")


def _section(section: Mapping[str, Any]) -> str:
    lines = [str(line) for line in section.get("lines") or ()]
    lines += [str(bar.get("text", "")) for bar in section.get("bars") or ()]
    listed = tag("ul", "".join(tag("li", text(line)) for line in lines))
    return tag("h3", text(section.get("title", ""))) + listed


def _story(shown: CustomerStory) -> str:
    word = tag("span", text(shown.word), f"badge {escape(shown.tone)}")
    lead = tag("p", f"{word} {text(shown.lead)}" if shown.word or shown.lead else "", "lead")
    return lead + fact_list(shown.facts) + "".join(map(_section, shown.sections))


def _desk(shown: DecisionDesk) -> str:
    figures = [
        {"label": figure.get("label", ""), "value": " ".join(
            part for part in (str(figure.get("value", "")), str(figure.get("detail", ""))) if part)}
        for figure in shown.figures
    ]  # fmt: skip
    lead = tag("p", text(shown.lead), "lead")
    return inputs(shown.fields) + lead + fact_list(figures) + "".join(map(_section, shown.sections))


def inputs(fields: Sequence[Mapping[str, Any]]) -> str:
    """What was entered or chosen, in words."""
    told = []
    for entry in fields:
        value = str(entry.get("text") or entry.get("value") or "")
        for option in entry.get("options") or ():
            if isinstance(option, Mapping) and str(option.get("value", "")) == str(entry.get("value", "")):
                value = str(option.get("text") or option.get("label") or value)
        if value:
            told.append(f"<span>{text(entry.get('label', ''))}: <b>{text(value)}</b></span>")
    return tag("p", " ".join(told), "inputs")


def _picker(shown: CustomerPicker) -> str:
    heading, detail = tag("h2", text(shown.heading)), tag("p", text(shown.detail), "description")
    return heading + detail + tag("p", text(shown.message))


def _features(shown: FeatureList) -> str:
    rows = [
        [text(row.get("label", "")), text(row.get("group", "")), text(row.get("said", ""))]
        for row in shown.rows
    ]
    return table([("Feature", False), ("Group", False), ("", False)], rows[:MOST_ROWS], len(rows))


def _feature_source(shown: FeatureSource) -> str:
    return fact_list(shown.facts)


def frame_table(frame: pl.DataFrame) -> str:
    """The rows of a view that has no other form."""
    flat = frame.select(pl.exclude(pl.List, pl.Struct)).with_columns(cs.float().round(4))
    heads = [(name.replace("_", " "), flat.schema[name].is_numeric()) for name in flat.columns]
    rows = [["–" if cell is None else text(cell) for cell in row] for row in flat.head(MOST_ROWS).iter_rows()]
    return table(heads, rows, flat.height)


SHOWN: Mapping[type[Any], Callable[[Any], str]] = {
    FigureCards: figure_cards,
    TrustStrip: trust_strip,
    Facts: _facts,
    ActionRows: _action_rows,
    RowTable: _row_table,
    ShortList: _short_list,
    CustomerStory: _story,
    DecisionDesk: _desk,
    CustomerPicker: _picker,
    FeatureList: _features,
    FeatureSource: _feature_source,
    InputBar: lambda shown: inputs(shown.fields),
}
"""How each component is told; others have nothing to read."""
