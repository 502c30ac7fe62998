"""Country shapes for maps: Natural Earth 1:110m (public domain), as carried by the bqplot package.

Longitude and latitude are projected with Equal Earth (Šavrič, Patterson & Jenny 2018), in which equal areas
on the globe are equal areas on the map.
"""

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.errors import SalesError

_ALIASES = {
    "uk": "GBR",
    "england": "GBR",
    "scotland": "GBR",
    "great britain": "GBR",
    "usa": "USA",
    "u.s.a.": "USA",
    "us": "USA",
    "russia": "RUS",
    "south korea": "KOR",
    "korea": "KOR",
    "north korea": "PRK",
    "czech republic": "CZE",
    "turkey": "TUR",
    "uae": "ARE",
    "holland": "NLD",
    "the netherlands": "NLD",
    "ivory coast": "CIV",
    "macau": "MAC",
    "vietnam": "VNM",
    "taiwan": "TWN",
    "bolivia": "BOL",
    "venezuela": "VEN",
    "tanzania": "TZA",
    "moldova": "MDA",
    "syria": "SYR",
    "laos": "LAO",
    "iran": "IRN",
    "brunei": "BRN",
}
_TOO_SMALL = {
    "SGP": (103.82, 1.35),
    "HKG": (114.17, 22.32),
    "MAC": (113.55, 22.2),
    "MLT": (14.38, 35.94),
    "BHR": (50.55, 26.07),
    "MUS": (57.55, -20.35),
    "LIE": (9.55, 47.17),
    "MCO": (7.42, 43.74),
    "AND": (1.52, 42.51),
    "SMR": (12.46, 43.94),
    "BRB": (-59.54, 13.19),
    "MDV": (73.5, 4.18),
    "CPV": (-23.6, 15.1),
    "SYC": (55.45, -4.62),
}
"""Trading places too small for shapes of this scale, drawn as points: longitude and latitude in degrees."""
_ANTARCTICA = 10
_CIRCLE_POINTS = 12
_CIRCLE_RADIUS = 0.022


@dataclass(frozen=True)
class Shape:
    """The outline of one country on the projected map.

    ``rings`` holds closed outlines as arrays of shape (points, 2), in units of the globe's radius.
    """

    code: int
    name: str
    rings: tuple[np.ndarray, ...]


def equal_earth(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map coordinates (globe radius 1) of positions in degrees: Equal Earth, Šavrič et al. 2018, eq. 11."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(np.radians(latitude)))
    t2 = theta**2
    t6 = t2**3
    slope = a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2)
    x = 2 * np.sqrt(3) * np.radians(longitude) * np.cos(theta) / (3 * slope)
    y = theta * (a1 + a2 * t2 + t6 * (a3 + a4 * t2))
    return x, y


def country_code(name: str) -> int | None:
    """The ISO 3166-1 numeric code of a country given by name or code; None if unknown."""
    import pycountry

    cleaned = name.strip()
    try:
        country = pycountry.countries.lookup(_ALIASES.get(cleaned.casefold(), cleaned))
    except LookupError:
        return None
    return int(country.numeric)


@cache
def country_shapes() -> tuple[Shape, ...]:
    """All countries of the world map with Antarctica left out, small trading places as circles.

    Raises
    ------
    SalesError
        The package that carries the shapes is not installed.
    """
    import pycountry

    package = importlib.util.find_spec("bqplot")
    if package is None or not package.submodule_search_locations:
        raise SalesError(
            "The country shapes for the map are not installed.", "Install them with: pip install bqplot"
        )
    file = Path(package.submodule_search_locations[0]) / "map_data" / "WorldMap.json"
    topology = json.loads(file.read_text(encoding="utf-8"))
    arcs = _arcs(topology)
    shapes = [
        Shape(int(country["id"]), country["properties"]["name"], _rings(country, arcs))
        for country in topology["objects"]["subunits"]["geometries"]
        if int(country["id"]) != _ANTARCTICA
    ]
    known = {shape.code for shape in shapes}
    for letters, (longitude, latitude) in _TOO_SMALL.items():
        place = pycountry.countries.get(alpha_3=letters)
        if place is not None and int(place.numeric) not in known:
            shapes.append(Shape(int(place.numeric), place.name, (_circle(longitude, latitude),)))
    return tuple(shapes)


def _arcs(topology: dict) -> list[np.ndarray]:
    """The arcs of a TopoJSON topology in degrees: points are stored as differences on an integer grid."""
    scale, translate = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc, dtype=float), axis=0) * scale + translate for arc in topology["arcs"]]


def _rings(country: dict, arcs: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
    rings = []
    for polygon in polygons:
        pieces = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in polygon[0]]
        ring = np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])
        rings.append(np.column_stack(equal_earth(ring[:, 0], ring[:, 1])))
    return tuple(rings)


def _circle(longitude: float, latitude: float) -> np.ndarray:
    x, y = equal_earth(np.array(longitude), np.array(latitude))
    angle = np.linspace(0, 2 * np.pi, _CIRCLE_POINTS + 1)
    return np.column_stack([x + _CIRCLE_RADIUS * np.cos(angle), y + _CIRCLE_RADIUS * np.sin(angle)])
