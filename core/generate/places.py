"""Where customers and offices are: real countries and cities, everything below the city made up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class City:
    """A city with its region and patterns: `#` stands for a digit, `@` for a capital letter."""

    name: str
    state: str | None
    postal: str
    phone: str


@dataclass(frozen=True)
class Country:
    """A country with its share of customers, the offices that serve it and its covariates.

    `rate_factor` multiplies the order rate; `credit_shift` moves the latent credit quality (s.d. 1).
    """

    name: str
    weight: float
    language: str
    offices: tuple[int, ...]
    rate_factor: float
    credit_shift: float
    cities: tuple[City, ...]


def _cities(*rows: str) -> tuple[City, ...]:
    cells = [row.split("|") for row in rows]
    return tuple(City(name, state or None, postal, phone) for name, state, postal, phone in cells)


COUNTRIES = (
    Country("USA", 27.0, "English", (1, 2), 1.10, 0.05, _cities(
        "Portland|OR|972##|+1 503", "Denver|CO|802##|+1 303", "Minneapolis|MN|554##|+1 612",
        "Pittsburgh|PA|152##|+1 412", "Austin|TX|787##|+1 512", "Raleigh|NC|276##|+1 919",
        "Columbus|OH|432##|+1 614", "Sacramento|CA|958##|+1 916", "Tampa|FL|336##|+1 813",
        "Albany|NY|122##|+1 518", "Tucson|AZ|857##|+1 520", "Milwaukee|WI|532##|+1 414",
        "Nashville|TN|372##|+1 615", "Providence|RI|029##|+1 401", "Boise|ID|837##|+1 208")),
    Country("Germany", 9.5, "German", (5,), 1.08, 0.20, _cities(
        "Kassel||341##|+49 561", "Bremen||282##|+49 421", "Leipzig||041##|+49 341",
        "Nürnberg||904##|+49 911", "Münster||481##|+49 251", "Freiburg||791##|+49 761")),
    Country("France", 9.0, "French", (4,), 1.00, -0.10, _cities(
        "Lille||59##0|+33 3", "Rennes||35##0|+33 2", "Grenoble||38##0|+33 4", "Bordeaux||33##0|+33 5",
        "Dijon||21##0|+33 3", "Toulouse||31##0|+33 5")),
    Country("UK", 8.0, "English", (3,), 1.05, 0.10, _cities(
        "Bristol||BS# #@@|+44 117", "Leeds||LS## #@@|+44 113", "Norwich||NR# #@@|+44 1603",
        "Glasgow||G## #@@|+44 141", "Cardiff||CF## #@@|+44 29", "Newcastle||NE# #@@|+44 191")),
    Country("Canada", 5.0, "English", (1,), 1.00, 0.10, _cities(
        "Halifax|NS|B3@ #@#|+1 902", "Calgary|AB|T2@ #@#|+1 403", "Ottawa|ON|K1@ #@#|+1 613",
        "Vancouver|BC|V5@ #@#|+1 604")),
    Country("Spain", 4.5, "Spanish", (4,), 0.95, -0.30, _cities(
        "Zaragoza||500##|+34 976", "Valencia||460##|+34 96", "Bilbao||480##|+34 94", "Málaga||290##|+34 95")),
    Country("Italy", 4.5, "Italian", (4,), 0.95, -0.40, _cities(
        "Torino||101##|+39 011", "Bologna||401##|+39 051", "Padova||351##|+39 049", "Bari||701##|+39 080")),
    Country("Australia", 4.5, "English", (7,), 1.00, 0.10, _cities(
        "Adelaide|SA|50##|+61 8", "Hobart|TAS|70##|+61 3", "Brisbane|QLD|40##|+61 7", "Perth|WA|60##|+61 8")),
    Country("Japan", 3.5, "Japanese", (6,), 1.10, 0.35, _cities(
        "Nagoya||46#-00##|+81 52", "Sapporo||06#-00##|+81 11", "Kobe||65#-00##|+81 78",
        "Fukuoka||81#-00##|+81 92")),
    Country("Netherlands", 3.0, "Dutch", (5,), 1.05, 0.20, _cities(
        "Utrecht||35## @@|+31 30", "Groningen||97## @@|+31 50", "Eindhoven||56## @@|+31 40")),
    Country("Sweden", 2.5, "Nordic", (5,), 1.00, 0.30, _cities(
        "Göteborg||411 ##|+46 31", "Uppsala||753 ##|+46 18", "Malmö||211 ##|+46 40")),
    Country("New Zealand", 2.0, "English", (7,), 0.95, 0.10, _cities(
        "Dunedin||90##|+64 3", "Hamilton||32##|+64 7", "Wellington||60##|+64 4")),
    Country("Switzerland", 2.0, "German", (5,), 1.10, 0.30, _cities(
        "Winterthur||84##|+41 52", "Basel||40##|+41 61", "Luzern||60##|+41 41")),
    Country("Belgium", 2.0, "French", (4,), 1.00, 0.05, _cities(
        "Namur||50##|+32 81", "Liège||40##|+32 4", "Charleroi||60##|+32 71")),
    Country("Denmark", 1.8, "Nordic", (5,), 1.00, 0.25, _cities(
        "Aarhus||80##|+45 86", "Odense||50##|+45 66", "Aalborg||90##|+45 98")),
    Country("Norway", 1.8, "Nordic", (5,), 1.00, 0.25, _cities(
        "Bergen||50##|+47 55", "Trondheim||70##|+47 73", "Stavanger||40##|+47 51")),
    Country("Finland", 1.6, "Finnish", (5,), 0.95, 0.25, _cities(
        "Tampere||331##|+358 3", "Turku||201##|+358 2", "Oulu||901##|+358 8")),
    Country("Austria", 1.6, "German", (5,), 1.00, 0.15, _cities(
        "Graz||80##|+43 316", "Linz||40##|+43 732", "Salzburg||50##|+43 662")),
    Country("Mexico", 1.5, "Spanish", (2,), 0.90, -0.35, _cities(
        "Puebla||720##|+52 222", "Guadalajara||441##|+52 33", "Mérida||970##|+52 999")),
    Country("Brazil", 1.5, "Portuguese", (2,), 0.90, -0.45, _cities(
        "Curitiba||80##0-###|+55 41", "Campinas||13##0-###|+55 19", "Recife||50##0-###|+55 81")),
    Country("Ireland", 1.3, "English", (3,), 1.00, 0.05, _cities(
        "Cork||T12 @#@#|+353 21", "Galway||H91 @#@#|+353 91", "Limerick||V94 @#@#|+353 61")),
    Country("Portugal", 1.3, "Portuguese", (4,), 0.95, -0.15, _cities(
        "Porto||4###-0##|+351 22", "Coimbra||3###-0##|+351 239", "Braga||47##-0##|+351 253")),
    Country("Singapore", 1.2, "English", (6,), 1.05, 0.20, _cities("Singapore||1####0|+65 6")),
    Country("Poland", 1.2, "Polish", (5,), 0.95, -0.10, _cities(
        "Gdańsk||80-###|+48 58", "Wrocław||50-###|+48 71", "Poznań||60-###|+48 61")),
    Country("South Africa", 1.0, "English", (3,), 0.90, -0.20, _cities(
        "Durban||40##|+27 31", "Cape Town||80##|+27 21")),
)  # fmt: skip
