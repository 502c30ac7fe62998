"""The words of the product catalogue: invented makers, models and vendors, by product line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A product line: how many products, what they are called and what they cost.

    `price` is the median MSRP in dollars; `models` are patterns completed with maker and year.
    """

    name: str
    prefix: str
    count: int
    price: float
    scales: tuple[int, ...]
    years: tuple[int, int]
    makers: tuple[str, ...]
    models: tuple[str, ...]
    text: str


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


VENDORS = _split(
    "Brightwater Diecast,Cobblestone Replicas,Eastgate Model Foundry,Fennimore & Daughters,Gilded Gauge,"
    "Hearthside Miniatures,Larkspur Scale Studio,Pewter Lane,Quill & Anvil,"
    "Redshank Castings,Tallow Street Works,"
    "Umberline Models,Zephyr Bench"
)

FEATURES = (
    "hand-painted trim",
    "a numbered base plate",
    "photo-etched fittings",
    "a weighted die-cast body",
    "a walnut display stand",
    "decals for two variants",
    "a clear dust cover",
    "a card signed by the pattern maker",
    "a finish weathered by hand",
    "moving parts in polished brass",
)

LINES = (
    Line(
        "Classic Cars", "CC", 36, 112.0, (12, 18, 24), (1948, 1979),
        _split("Corvane,Halloran,Marchetto,Ostrander,Tresco,Vantrell,Wexmoor,Zephyrine,Belgarde"),
        _split("Spyder,GT Fastback,Berlina,Roadster,Coupé 1600,Rally Sprint,Grand Tourer,Cabriolet,Estate"),
        "Post-war cars from the age of chrome and long weekends, from rally coupés to quiet saloons.",
    ),
    Line(
        "Motorcycles", "MC", 14, 96.0, (10, 12, 18), (1936, 1999),
        _split("Brannigan,Cavallera,Duskwing,Hartvig,Norrland"),
        _split("500 Twin,Scrambler,Café Racer,Sidecar Outfit,Trail 250,Tourer 750"),
        "Singles, twins and sidecars with working forks and chains, on stands that let them lean.",
    ),
    Line(
        "Planes", "PL", 13, 88.0, (48, 72, 144), (1912, 1968),
        _split("Albion Aero,Falkenried,Skymark,Tern & Hale"),
        _split("Mail Biplane,Flying Boat,Survey Monoplane,Twin Trainer,Crop Duster,Racing Seaplane"),
        "Aircraft of wood, wire and polished metal, with turning propellers and clear canopies.",
    ),
    Line(
        "Ships", "SH", 10, 91.0, (72, 350, 700), (1868, 1938),
        _split("Grey Heron,Lady Ismay,Northern Vow,Morning Tide,Saint Orsola"),
        _split("Schooner,Paddle Steamer,Pilot Cutter,Ocean Liner,Clipper"),
        "Sail and steam with rigging tied by hand, each in a case of its own.",
    ),
    Line(
        "Trains", "TR", 5, 76.0, (32, 87), (1895, 1955),
        _split("Valley & Coast,Pinewood Central,Ridgeway"),
        _split("Tank Locomotive,Mixed Goods Set,Observation Car,Diesel Railcar"),
        "Locomotives and carriages of railways that never were, for track that is.",
    ),
    Line(
        "Trucks and Buses", "TB", 11, 104.0, (24, 32, 50), (1928, 1982),
        _split("Barrow & Pike,Haulmaster,Lodestar,Omniway"),
        _split("Double-Deck Bus,Flatbed Lorry,Milk Tanker,Fire Pump,Delivery Van,Touring Coach"),
        "Working vehicles with liveries of invented firms, from milk tankers to touring coaches.",
    ),
    Line(
        "Vintage Cars", "VC", 21, 84.0, (18, 24), (1904, 1940),
        _split("Ashcombe,Delacroix-Renn,Everard,Imperial Otter,Kingsmarch,Lorrimer"),
        _split("Phaeton,Landaulet,Torpedo Tourer,Doctor's Coupé,Speedster,Limousine,Boat-Tail"),
        "Brass lamps, wire wheels and coachwork from the years before the motorway.",
    ),
)  # fmt: skip
