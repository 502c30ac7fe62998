"""Country names become shapes on an equal-area map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.geography import country_code, country_shapes, equal_earth


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("USA", 840),
        ("United States", 840),
        ("UK", 826),
        ("GB", 826),
        ("FRA", 250),
        (" Norway  ", 578),
        ("Hong Kong", 344),
    ],
)
def test_a_country_is_found_however_it_is_written(written: str, code: int) -> None:
    assert country_code(written) == code


def test_an_unknown_country_has_no_code() -> None:
    assert country_code("Atlantis") is None


def test_every_country_of_a_worldwide_company_has_a_shape() -> None:
    codes = {shape.code for shape in country_shapes()}
    names = (
        "USA",
        "France",
        "Singapore",
        "Hong Kong",
        "Japan",
        "South Africa",
        "Brazil",
        "Australia",
        "Malta",
    )
    assert {country_code(name) for name in names} <= codes


def test_shapes_are_closed_rings_on_the_map() -> None:
    for shape in country_shapes():
        for ring in shape.rings:
            assert np.isfinite(ring).all()
            assert np.abs(ring[:, 0]).max() < 2.8
            assert np.abs(ring[:, 1]).max() < 1.4
            assert np.allclose(ring[0], ring[-1], atol=1e-6)


def test_codes_are_unique() -> None:
    codes = [shape.code for shape in country_shapes() if shape.code > 0]
    assert len(codes) == len(set(codes))


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_the_projection_is_symmetric(longitude: float, latitude: float) -> None:
    x, y = equal_earth(np.array(longitude), np.array(latitude))
    mirrored = equal_earth(np.array(-longitude), np.array(-latitude))
    assert np.allclose([x, y], [-mirrored[0], -mirrored[1]])


def test_equal_areas_stay_equal() -> None:
    """One-degree cells at the equator and at 60° north keep the ratio of their areas (cos 60° = ½)."""

    def area(latitude: float) -> float:
        lon = np.array([0.0, 1.0, 1.0, 0.0])
        lat = np.array([latitude - 0.5, latitude - 0.5, latitude + 0.5, latitude + 0.5])
        x, y = equal_earth(lon, lat)
        return 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))

    assert area(60.0) / area(0.0) == pytest.approx(0.5, rel=1e-3)
