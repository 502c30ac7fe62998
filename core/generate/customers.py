"""Customers: what is true of each (latent) and what the company knows of each (the customers table)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.generate.catalogue import LINES
from core.generate.draws import Draws, Floats, Ints
from core.generate.names import company_names, filled, picked
from core.generate.noise import with_noise
from core.generate.places import COUNTRIES, City
from core.generate.season import SeasonalClock, clock_group
from core.generate.staff import Staff, assigned_reps
from core.generate.words import LANGUAGES
from core.generate.world import FIRST_CUSTOMER, OFFICE_EFFECTS, SEGMENTS, World

ESTABLISHED, NEW, PROSPECT = range(3)
KINDS = ("established", "new", "prospect")


@dataclass(frozen=True)
class Latent:
    """What is true of a block of customers; one entry per customer, times and rates in operational days.

    `opened` is the operational time of the first order of a new account, 0 for the others; `rate` is orders
    per operational day (0 for prospects); `clock` which of the clocks holds; `dropout` the probability of
    dropping out after a repeat order; `taste` the weights of the product lines; `credit_quality` is standard
    normal plus the country's shift.
    """

    index: Ints
    country: Ints
    segment: Ints
    kind: Ints
    opened: Floats
    rate: Floats
    clock: Ints
    dropout: Floats
    taste: Floats
    credit_quality: Floats

    @property
    def number(self) -> Ints:
        """Customer numbers as in the customers table."""
        return self.index + FIRST_CUSTOMER

    def segment_values(self, field: str) -> Floats:
        """A field of each customer's segment."""
        return np.array([getattr(segment, field) for segment in SEGMENTS], dtype=np.float64)[self.segment]

    def day_of(self, clocks: Sequence[SeasonalClock], rows: Ints, operational: Floats) -> Ints:
        """The days on which operational times of the customers in these rows fall, each by its own clock."""
        if len(clocks) == 1:
            return clocks[0].day_of(operational)
        return np.select(
            [self.clock[rows] == group for group in range(len(clocks))],
            [clock.day_of(operational) for clock in clocks],
        ).astype(np.int64)

    def truth(self, clocks: Sequence[SeasonalClock], death_day: Ints) -> pl.DataFrame:
        """One row per customer; `deathDate` is null where the customer is alive at the end of the window."""
        clock, rows = clocks[0], np.arange(len(self.index))
        opened_day = np.where(self.kind == NEW, self.day_of(clocks, rows, self.opened), 0)
        columns = {
            "customerNumber": self.number,
            "segment": [SEGMENTS[i].name for i in self.segment],
            "account": [KINDS[i] for i in self.kind],
            "openedDate": as_dates(clock, opened_day),
            "ratePerOperationalDay": self.rate,
            "dropoutProbability": self.dropout,
            "deathDate": as_dates(clock, death_day),
            "creditQuality": self.credit_quality,
        }
        tastes = {f"taste {line.name}": self.taste[:, i] for i, line in enumerate(LINES)}
        return pl.DataFrame(columns | tastes)


def as_dates(clock: SeasonalClock, days: Ints) -> pl.Series:
    """Days since the start of the window as dates; negative days as null."""
    origin = np.datetime64(clock.start, "D")
    return pl.Series(np.where(days < 0, np.datetime64("NaT", "D"), origin + days.astype("timedelta64[D]")))


def make_latent(world: World, clocks: Sequence[SeasonalClock], index: Ints) -> Latent:
    """Draw what is true of the customers with these indices (0-based)."""
    seed = world.seed
    country = Draws(seed, "country").choice([country.weight for country in COUNTRIES], index)
    segment = Draws(seed, "segment").choice([segment.share for segment in SEGMENTS], index)
    shares = [
        world.established_share,
        1.0 - world.established_share - world.prospect_share,
        world.prospect_share,
    ]
    kind = Draws(seed, "account kind").choice(shares, index)
    clock = clock_group(world, country)
    ends = np.array([clock.end for clock in clocks])[clock]
    opened = np.where(kind == NEW, Draws(seed, "opening").uniform(index) * ends, 0.0)

    rate = Draws(seed, "rate").gamma(world.rate_shape, index) * world.mean_rate / world.rate_shape
    rate *= np.array([segment.rate_factor for segment in SEGMENTS])[segment]
    rate *= np.array([country.rate_factor for country in COUNTRIES])[country]
    rate = np.where(kind == PROSPECT, 0.0, np.minimum(rate, world.largest_rate))

    credit_shift = np.array([country.credit_shift for country in COUNTRIES])[country]
    return Latent(
        index=index,
        country=country,
        segment=segment,
        kind=kind,
        opened=opened,
        rate=rate,
        clock=clock,
        dropout=_dropout(world, country, index),
        taste=Draws(seed, "taste").dirichlet(world.taste_concentration, index),
        credit_quality=Draws(seed, "credit quality").normal(index) + credit_shift,
    )


def _dropout(world: World, country: Ints, index: Ints) -> Floats:
    if world.covariate_dropout:
        return dropout_by_covariates(world, country, np.zeros(len(index), dtype=bool))
    return Draws(world.seed, "dropout").beta(world.dropout_a, world.dropout_b, index)


def dropout_by_covariates(world: World, country: Ints, shipped_late: NDArray[np.bool_]) -> Floats:
    """Probability of dropping out after an order, by the customer's country and the delivery of the order."""
    effects = np.array([OFFICE_EFFECTS[country.offices[0] - 1] for country in COUNTRIES])[country]
    odds = world.dropout_intercept + effects + world.late_delivery_effect * shipped_late
    return 1.0 / (1.0 + np.exp(-odds))


def customer_table(world: World, staff: Staff, latent: Latent) -> pl.DataFrame:
    """The customers table of a block."""
    seed, index = world.seed, latent.index
    countries = [COUNTRIES[i] for i in latent.country]
    languages = [LANGUAGES[country.language] for country in countries]
    city_index = Draws(seed, "city").integers(np.array([len(country.cities) for country in countries]), index)
    cities: list[City] = [
        country.cities[i] for country, i in zip(countries, city_index.tolist(), strict=True)
    ]
    streets = picked(Draws(seed, "street"), index, [words.streets for words in languages])
    house_numbers = 1 + Draws(seed, "house number").integers(180, index)
    annexes = picked(Draws(seed, "annex"), index, [words.annexes for words in languages])
    has_annex = Draws(seed, "has annex").uniform(index) < 0.18
    reps = assigned_reps(staff, Draws(seed, "sales rep"), index, [country.offices for country in countries])
    is_prospect = latent.kind == PROSPECT
    no_rep = Draws(seed, "no rep").uniform(index) < np.where(is_prospect, 0.18, 0.008)
    table = pl.DataFrame(
        {
            "customerNumber": latent.number,
            "customerName": company_names(seed, index, [country.language for country in countries]),
            "contactLastName": picked(Draws(seed, "surname"), index, [words.surnames for words in languages]),
            "contactFirstName": picked(
                Draws(seed, "first name"), index, [words.first_names for words in languages]
            ),
            "phone": filled(Draws(seed, "phone"), index, [f"{city.phone} 555 01##" for city in cities]),
            "addressLine1": [s.format(n) for s, n in zip(streets, house_numbers.tolist(), strict=True)],
            "addressLine2": [annex if has else None for annex, has in zip(annexes, has_annex, strict=True)],
            "city": [city.name for city in cities],
            "state": [city.state for city in cities],
            "postalCode": filled(Draws(seed, "postal code"), index, [city.postal for city in cities]),
            "country": [country.name for country in countries],
            "salesRepEmployeeNumber": [None if none else rep for rep, none in zip(reps, no_rep, strict=True)],
            "creditLimit": _credit_limits(world, latent) / 100,
        },
        schema_overrides={"addressLine2": pl.String, "state": pl.String, "salesRepEmployeeNumber": pl.Int64},
    )
    return with_noise(world, "customers", index, table)


def _credit_limits(world: World, latent: Latent) -> Ints:
    """Credit limit in cents, by what the credit desk could guess: expected revenue, quality, and error."""
    typical_order = latent.segment_values("lines_per_order") * latent.segment_values("quantity") * 85.0
    guess = Draws(world.seed, "credit guess").normal(latent.index)
    dollars = (
        typical_order * (0.9 + 110.0 * latent.rate) * np.exp(0.22 * latent.credit_quality + 0.30 * guess)
    )
    hundreds = np.clip(np.round(dollars / 100.0), 80, 4000).astype(np.int64)
    refused = Draws(world.seed, "no credit").uniform(latent.index)
    none = refused < np.where(latent.kind == PROSPECT, 0.65, 0.008)
    return np.where(none, 0, hundreds * 10_000)
