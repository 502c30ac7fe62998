"""How numbers and names are written within a sentence, as expressions over a column.

Amounts begin with ``CURRENCY_SIGN``, the sign for a currency that is not named; ``with_currency`` puts the
name in.
"""

import polars as pl

CURRENCY_SIGN = "¤"
"""Stands before amounts until the currency of the data is known."""


def with_currency(reasons: pl.Expr, currency: str) -> pl.Expr:
    """Sentences with the name of the currency before amounts: ¤ 1,200 becomes USD 1,200."""
    return reasons.str.replace_all(f"{CURRENCY_SIGN} ", f"{currency} " if currency else "", literal=True)


def currency_named(reason: str, currency: str) -> str:
    """The same of one sentence."""
    return reason.replace(f"{CURRENCY_SIGN} ", f"{currency} " if currency else "")


def with_unit(value: pl.Expr, unit: str) -> pl.Expr:
    if unit == "text":
        return named(value)
    if unit == "share":
        return percent(value)
    if unit == "currency":
        return money(value)
    if unit == "days":
        return days(value)
    return decimal(value) if unit == "ratio" else whole(value)


def finite(value: pl.Expr) -> pl.Expr:
    """As a float; what is no number is null."""
    number = value.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _grouped(digits: pl.Expr) -> pl.Expr:
    """Thousands set apart: 1234567 becomes 1,234,567."""
    for _ in range(6):
        digits = digits.str.replace(r"^(-?\d+)(\d{3})", "$1,$2")
    return digits


def whole(value: pl.Expr) -> pl.Expr:
    """A whole number with thousands set apart."""
    return _grouped(finite(value).round(0).cast(pl.Int64, strict=False).cast(pl.String))


def decimal(value: pl.Expr) -> pl.Expr:
    """A number with one digit after the point, none from ten on: 3.2, 1,480."""
    number = finite(value)
    tenths = (number * 10).round(0).cast(pl.Int64, strict=False)
    size = tenths.abs()
    sign = pl.when(tenths < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    small = pl.concat_str(sign, (size // 10).cast(pl.String), pl.lit("."), (size % 10).cast(pl.String))
    return pl.when(size < 100).then(small).otherwise(whole(value))


def percent(value: pl.Expr) -> pl.Expr:
    return pl.concat_str(whole(finite(value) * 100), pl.lit("%"))


def money(value: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit(f"{CURRENCY_SIGN} "), whole(value))


def named(value: pl.Expr) -> pl.Expr:
    """A name. A point within it must not look like the end of the sentence."""
    return value.cast(pl.String).str.replace_all(". ", ".\u00a0", literal=True)


def counted(value: pl.Expr, one: str, many: str) -> pl.Expr:
    return (
        pl.when(finite(value).round(0) == 1)
        .then(pl.lit(one))
        .otherwise(pl.concat_str(whole(value), pl.lit(f" {many}")))
    )


def days(value: pl.Expr) -> pl.Expr:
    return counted(value, "1 day", "days")


def times(value: pl.Expr) -> pl.Expr:
    return counted(value, "once", "times")


def equals(value: pl.Expr, number: float) -> pl.Expr:
    return finite(value).round(0) == number


def filled(template: str, shown: pl.Expr) -> pl.Expr:
    """The template with what is shown in place of {}; null where that is."""
    before, after = template.split("{}")
    return pl.concat_str(pl.lit(before), shown, pl.lit(after))
