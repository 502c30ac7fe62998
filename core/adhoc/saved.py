"""The queries of the product as a person may run and change them, with values that make sense."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from core.database.base import Database
from core.days import to_day
from core.errors import MissingDataError, QueryError
from core.sql_files import column_type, read_sql, sql_names

PURPOSES = {
    "eda": "Questions about sales",
    "marts": "Tables behind the dashboard",
    "features": "Features of customers",
    "labels": "Outcomes of customers",
    "models": "What the models read",
    "operations": "Operations",
}
"""Folders of ``sql/`` that can be run as they are, in the order shown, with their names for people."""

_INNER = ("staging/", "schema/")
_YEAR = 365
_HORIZON = 90
_AS_OF_DAYS = "as_of_day_"  # features and labels take many days in one pass


@dataclass(frozen=True)
class SavedParameter:
    """A parameter: its kind (day, integer, …), its description and a value that makes sense."""

    name: str
    kind: str
    description: str
    default: object


@dataclass(frozen=True)
class SavedQuery:
    """A query of the product; ``name`` is its path below ``sql/`` and ``purpose`` the group it belongs to.

    ``problem`` says why its file cannot be read; the query is then empty.
    """

    name: str
    purpose: str
    title: str
    text: str
    parameters: tuple[SavedParameter, ...]
    columns: Mapping[str, str]
    needs: tuple[str, ...]
    problem: str = ""

    @property
    def defaults(self) -> dict[str, object]:
        """Values for all parameters, with which the query can be run at once."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    @property
    def declared(self) -> dict[str, str]:
        """The kind of each column, for ``run_query``."""
        return {name: column_type(text) for name, text in self.columns.items()}


def saved_queries(
    database: Database | None = None, *, as_of: dt.date | None = None, terms_days: int = 30
) -> list[SavedQuery]:
    """All queries that can be run as they are, grouped by purpose, by title within a group.

    A file that cannot be read is among them with its ``problem``, last in its group; a query with a parameter
    that has no value to begin with is not.

    Parameters
    ----------
    database
        Where the last order is looked up, if no date is given.
    as_of
        The as-of date of the default values: by default the day after the last order, or today.
    terms_days
        Days from invoice to due date, for the queries that ask for them.
    """
    day = to_day(as_of) if as_of else _day_after_last_order(database)
    values = {"as_of_day": day, "until_day": day, "from_day": day - _YEAR, "terms_days": terms_days}
    values["horizon_days"] = _HORIZON
    order = list(PURPOSES)
    found = [
        (folder, _saved(folder, name, values))
        for name in sql_names()
        if not name.startswith(_INNER) and (folder := name.split("/")[0])
    ]
    found.sort(key=lambda item: (order.index(item[0]) if item[0] in order else len(order),
                                 bool(item[1].problem), item[1].title))  # fmt: skip
    return [query for _, query in found if None not in query.defaults.values()]


def _saved(folder: str, name: str, values: Mapping[str, object]) -> SavedQuery:
    purpose = PURPOSES.get(folder, folder.capitalize())
    try:
        file = read_sql(name)
    except QueryError as error:
        return SavedQuery(name, purpose, name, "", (), {}, (), str(error))
    days = [name for name in file.parameters if name.startswith(_AS_OF_DAYS)]
    if folder == "labels":  # as of a day whose outcome is known
        values = {**values, "as_of_day": int(str(values["as_of_day"])) - _HORIZON}
    values = {**values, **dict.fromkeys(days, values["as_of_day"])}
    parameters = tuple(
        SavedParameter(name, column_type(text), text.partition(", ")[2], values.get(name))
        for name, text in file.parameters.items()
    )
    return SavedQuery(file.name, purpose, file.title, file.text, parameters, file.columns, file.needs)


def _day_after_last_order(database: Database | None) -> int:
    try:
        rows = database.query("SELECT MAX(order_day) AS last_day FROM stg_orders") if database else None
    except (MissingDataError, QueryError):
        rows = None
    last = None if rows is None or rows.is_empty() else rows["last_day"][0]
    return int(last) + 1 if last is not None else to_day(dt.date.today())
