"""Offices and employees: they depend on the seed only."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import normalize

import numpy as np
import polars as pl

from core.generate.draws import Draws, Ints
from core.generate.words import LANGUAGES

# The columns of the table, then the language spoken and the number of sales reps.
_OFFICES = (
    (1, "Chicago", "+1 312 555 0100", "410 Lantern Wharf", "Suite 900", "IL", "USA", "60611", "NA",
     "English", 3),
    (2, "Atlanta", "+1 404 555 0120", "77 Peregrine Avenue", None, "GA", "USA", "30303", "NA",
     "English", 3),
    (3, "London", "+44 20 5550 0140", "9 Tanner's Yard", "Level 4", None, "UK", "SE1 4XY", "EMEA",
     "English", 2),
    (4, "Lyon", "+33 4 55 50 01 60", "18 quai des Tisserands", None, None, "France", "69002", "EMEA",
     "French", 3),
    (5, "München", "+49 89 555 0180", "Hopfengasse 31", None, None, "Germany", "80331", "EMEA",
     "German", 4),
    (6, "Singapore", "+65 6555 0200", "5 Orchid Quay", "#12-04", None, "Singapore", "109905", "APAC",
     "English", 2),
    (7, "Melbourne", "+61 3 5550 0220", "240 Ferntree Parade", None, "VIC", "Australia", "3000", "APAC",
     "English", 2),
)  # fmt: skip
_OFFICE_COLUMNS = (
    "officeCode", "city", "phone", "addressLine1", "addressLine2", "state", "country", "postalCode",
    "territory",
)  # fmt: skip
_EMPLOYEE_COLUMNS = (
    "employeeNumber", "lastName", "firstName", "extension", "email", "officeCode", "reportsTo", "jobTitle",
)  # fmt: skip
_MANAGERS = (("NA", 1), ("EMEA", 5), ("APAC", 7))
_PRESIDENT = 201


@dataclass(frozen=True)
class Staff:
    """The two tables and, for each office code, the employee numbers of its sales reps."""

    offices: pl.DataFrame
    employees: pl.DataFrame
    reps: dict[int, tuple[int, ...]]


def make_staff(seed: int) -> Staff:
    """President, two vice presidents, a manager for each territory and the sales reps of each office."""
    posts = [(1, None, "President"), (1, _PRESIDENT, "VP Sales"), (1, _PRESIDENT, "VP Marketing")]
    posts += [(office, _PRESIDENT + 1, f"Sales Manager ({territory})") for territory, office in _MANAGERS]
    manager_of = {territory: _PRESIDENT + 3 + i for i, (territory, _) in enumerate(_MANAGERS)}
    reps: dict[int, tuple[int, ...]] = {}
    for office in _OFFICES:
        first = _PRESIDENT + len(posts)
        reps[office[0]] = tuple(range(first, first + office[10]))
        posts += [(office[0], manager_of[office[8]], "Sales Rep")] * office[10]
    return Staff(_offices(), _employees(seed, posts), reps)


def _offices() -> pl.DataFrame:
    return pl.DataFrame([row[:9] for row in _OFFICES], schema=_OFFICE_COLUMNS, orient="row")


def _employees(seed: int, posts: list[tuple[int, int | None, str]]) -> pl.DataFrame:
    language_of = {office[0]: office[9] for office in _OFFICES}
    languages = sorted(set(language_of.values()))
    surnames = {language: iter(_shuffled(seed, LANGUAGES[language].surnames)) for language in languages}
    first_names = {language: iter(_shuffled(seed, LANGUAGES[language].first_names)) for language in languages}
    extensions = 100 + Draws(seed, "extension").shuffled(900)
    rows = []
    for i, (office, reports_to, title) in enumerate(posts):
        last, first = next(surnames[language_of[office]]), next(first_names[language_of[office]])
        rows.append(
            (
                _PRESIDENT + i,
                last,
                first,
                f"x{extensions[i]}",
                _email(first, last),
                str(office),
                reports_to,
                title,
            )
        )
    return pl.DataFrame(rows, schema=_EMPLOYEE_COLUMNS, orient="row")


def _shuffled(seed: int, words: tuple[str, ...]) -> list[str]:
    return [words[i] for i in Draws(seed, f"staff {words[0]}").shuffled(len(words))]


def _email(first: str, last: str) -> str:
    plain = normalize("NFKD", first[0] + last).encode("ascii", "ignore").decode()
    return "".join(mark for mark in plain.lower() if mark.isalnum()) + "@example.com"


def assigned_reps(staff: Staff, draws: Draws, customers: Ints, offices: list[tuple[int, ...]]) -> list[int]:
    """A sales rep for each customer, from the offices that serve its country."""
    candidates = [tuple(rep for code in codes for rep in staff.reps[code]) for codes in offices]
    index = draws.integers(np.array([len(reps) for reps in candidates]), customers)
    return [reps[i] for reps, i in zip(candidates, index.tolist(), strict=True)]
