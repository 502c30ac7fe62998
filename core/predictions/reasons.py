"""The stored reasons of a score: several sentences in one text, the strongest first."""

import polars as pl


def first_reasons(reasons: str | pl.Expr, count: int = 1) -> pl.Expr:
    """The strongest sentences of a column of reasons."""
    text = pl.col(reasons) if isinstance(reasons, str) else reasons
    whole = text.cast(pl.String)
    return pl.coalesce(whole.str.extract(rf"^((?:.*?\.(?:\s+|$)){{1,{count}}})"), whole).str.strip_chars()


def each_reason(reasons: str | None) -> list[str]:
    """Stored reasons one by one."""
    parts = (reasons or "").split(". ")
    return [part.strip().rstrip(".") + "." for part in parts if part.strip()]
