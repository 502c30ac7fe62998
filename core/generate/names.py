"""Names, addresses and numbers composed from the word lists; unique where they must be."""

from __future__ import annotations

from string import ascii_uppercase

import numpy as np

from core.generate.draws import Draws, Ints
from core.generate.words import LANGUAGES


def company_names(seed: int, customers: Ints, languages: list[str]) -> list[str]:
    """A name for each customer (numbered from 0), unique over all customers of one seed.

    The pair (head, trade) of customer n is the image of n under a bijection of the pairs of its language
    (Feistel rounds on the two residues), so no list of names already given is kept. When the pairs of a
    language are used up, a partner joins the name, another one in each round; after the last one, a number.
    """
    draws, partners = Draws(seed, "company name"), Draws(seed, "partner")
    names = [""] * len(customers)
    for language in sorted(set(languages)):
        words = LANGUAGES[language]
        heads, trades = words.surnames + words.fancies, words.trades
        rows = np.array([row for row, spoken in enumerate(languages) if spoken == language])
        rounds, pair = np.divmod(customers[rows], len(heads) * len(trades))
        head, trade = np.divmod(pair, len(trades))
        for turn in range(3):
            head = (head + draws.integers(len(heads), turn, 0, trade)) % len(heads)
            trade = (trade + draws.integers(len(trades), turn, 1, head)) % len(trades)
        number, partnership = np.divmod(rounds, len(words.surnames))
        # A shift of at least 1 never joins a family with itself.
        others = len(words.surnames) - 1
        shift = 1 + (partnership + partners.integers(others, head, trade)) % others
        partner = (head + shift) % len(words.surnames)
        for row, h, t, has_partner, p, n in zip(
            *(column.tolist() for column in (rows, head, trade, partnership > 0, partner, number)),
            strict=True,
        ):
            firm = f"{heads[h]} & {words.surnames[p]}" if has_partner else heads[h]
            names[row] = trades[t].format(firm) + (f" No. {n + 1}" if n else "")
    return names


def picked(draws: Draws, keys: Ints, options: list[tuple[str, ...]]) -> list[str]:
    """One of its own options for each key."""
    index = draws.integers(np.array([len(choices) for choices in options]), keys).tolist()
    return [choices[i] for choices, i in zip(options, index, strict=True)]


def filled(draws: Draws, keys: Ints, patterns: list[str]) -> list[str]:
    """Each pattern with every `#` replaced by a digit and every `@` by a capital letter."""
    width = max((len(pattern) for pattern in patterns), default=0)
    digits = draws.integers(10, keys[:, None], np.arange(width), 0).tolist()
    letters = draws.integers(26, keys[:, None], np.arange(width), 1).tolist()
    return [
        "".join(
            str(d) if mark == "#" else ascii_uppercase[c] if mark == "@" else mark
            for mark, d, c in zip(pattern, row_digits, row_letters, strict=False)
        )
        for pattern, row_digits, row_letters in zip(patterns, digits, letters, strict=True)
    ]
