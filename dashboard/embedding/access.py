"""Who may see which view in another site: one check for every way in."""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.filters import DIMENSIONS, SalesFilters
from core.pinned_filters import within_pins
from core.roles import Role
from core.settings import Settings
from dashboard.embedding.catalogue import Embeddable, embeddable
from dashboard.embedding.pinning import cannot_pin
from dashboard.embedding.tokens import Claims, EmbedRefusedError, read_token, signing_key
from dashboard.session import EXTRA

LOOPBACK = ("127.0.0.1", "localhost", "::1")
THEMES = ("light", "dark", "auto")
EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2199, 12, 31)


@dataclass(frozen=True)
class Grant:
    """What one embedded view may show.

    Attributes
    ----------
    view
        The view.
    pins, pinned_extra, pinned_as_of
        What is fixed: filters, parameters of the view's page, as-of date.
    filters, extra, as_of, theme
        What the address asks for.
    notices
        What could not be taken from the address, in words.
    claims
        Those of the token that was shown; None without one.
    """

    view: Embeddable
    pins: SalesFilters = field(default_factory=SalesFilters)
    pinned_extra: Mapping[str, str] = field(default_factory=dict)
    pinned_as_of: dt.date | None = None
    filters: SalesFilters = field(default_factory=SalesFilters)
    extra: Mapping[str, str] = field(default_factory=dict)
    as_of: dt.date | None = None
    theme: str = "auto"
    notices: tuple[str, ...] = ()
    claims: Claims | None = None

    @property
    def expires(self) -> float | None:
        """Seconds since 1970 after which nothing is shown any more; None: without end."""
        return self.claims.expires if self.claims else None

    @property
    def role(self) -> Role:
        """What whoever sees it may do."""
        return self.claims.role if self.claims else Role.VIEWER

    @property
    def is_pinned(self) -> bool:
        """Whether anything is fixed."""
        return bool(self.pins.active() or self.pinned_extra or self.pinned_as_of)


def embed_mode(settings: Settings) -> str:
    """``off``, ``open`` or ``signed``: the setting, or what is safe where it says ``auto``."""
    if settings.embed != "auto":
        return str(settings.embed)
    is_local = settings.host in LOOPBACK and settings.sign_in == "none"
    return "open" if is_local else "signed"


def granted(settings: Settings, slug: str, query: Mapping[str, str]) -> Grant:
    """What the view ``slug`` may show for the parameters of an address.

    Raises
    ------
    EmbedRefusedError
        Nothing; says why.
    """
    mode = embed_mode(settings)
    if mode == "off":
        raise EmbedRefusedError(
            "This dashboard is not embedded in other sites.", "Whoever runs it can set SALES_EMBED.", 404
        )
    view = embeddable().get(slug)
    if view is None:
        raise EmbedRefusedError(f"There is no view {slug!r}.", "The page Embed lists them all.", 404)
    claims = None
    if shown := query.get("ticket") or query.get("token"):
        claims = read_token(signing_key(settings), shown)
        if not claims.covers(slug):
            raise EmbedRefusedError(
                f"The embed token is for other views than {slug!r}.",
                "Ask whoever runs the page that shows this view.",
            )
        if claims.expires <= time.time():
            raise EmbedRefusedError("The embed token has expired.", "Reload the page.", 401)
    elif mode == "signed":
        raise EmbedRefusedError(
            "This view is shown with an embed token only.", "Ask whoever runs the page for one.", 401
        )
    return _asked(view, claims, query)


def moved(grant: Grant, query: Mapping[str, str]) -> Grant:
    """The same view and token with what another address asks for.

    Raises
    ------
    EmbedRefusedError
        It asks for more than is granted.
    """
    if grant.expires is not None and grant.expires <= time.time():
        raise EmbedRefusedError("The embed token has expired.", "Reload the page.", 401)
    return _asked(grant.view, grant.claims, query)


def _asked(view: Embeddable, claims: Claims | None, query: Mapping[str, str]) -> Grant:
    pins, pinned_extra, pinned_as_of = pins_of(view, claims.pins if claims else {})
    query = _with_period(query)
    filters, notices = SalesFilters.from_query(query)
    for dimension in pins.active():
        if filters.is_active(dimension) and not within_pins(pins, dimension, filters.values_of(dimension)):
            raise EmbedRefusedError(
                f"The embed token fixes {_name(dimension)} to {pins.to_query()[dimension]}; the address asks "
                f"for {filters.to_query()[dimension]}.",
                "Leave it out of the address, or choose less than what is fixed.",
            )
    as_of = _day(query.get("as_of", ""), notices)
    if pinned_as_of is not None:
        _refuse_other("as_of", pinned_as_of.isoformat(), query.get("as_of", ""))
        as_of = pinned_as_of
    extra = {name: query[name] for name in EXTRA.get(view.page, ()) if query.get(name)}
    for name, value in pinned_extra.items():
        _refuse_other(name, value, query.get(name, ""))
    theme = query.get("theme", "auto")
    return Grant(
        view=view,
        pins=pins,
        pinned_extra=pinned_extra,
        pinned_as_of=pinned_as_of,
        filters=filters,
        extra=extra | pinned_extra,
        as_of=as_of,
        theme=theme if theme in THEMES else "auto",
        notices=tuple(notices),
        claims=claims,
    )


def pins_of(view: Embeddable, pins: Mapping[str, str]) -> tuple[SalesFilters, dict[str, str], dt.date | None]:
    """The filters, parameters of the page and as-of date that ``pins`` fix for a view.

    Raises
    ------
    EmbedRefusedError
        One has no meaning, or the view cannot be limited to it.
    """
    if empty := sorted(name for name, value in pins.items() if not value.strip(" ,")):
        raise EmbedRefusedError(  # to take it for nothing fixed would show everything
            f"The embed token fixes {_name(empty[0])} to nothing.", "Name a value, or leave it out."
        )
    given = _with_period(pins)
    filters, problems = SalesFilters.from_query(given)
    as_of = _day(given.get("as_of", ""), problems)
    if problems:
        raise EmbedRefusedError(f"The embed token cannot be used: {problems[0]}", "Issue it anew.")
    extra = {name: value for name, value in given.items() if name not in (*DIMENSIONS, "as_of")}
    for name in extra:
        if name not in EXTRA.get(view.page, ()):
            raise EmbedRefusedError(
                f"The embed token fixes {name!r}, which means nothing to the view {view.slug!r}.",
                f"Fix filters ({', '.join(DIMENSIONS)}) or as_of.",
            )
    if unable := cannot_pin(view.slug, filters.active()):
        raise EmbedRefusedError(
            f"The view {view.slug!r} cannot be limited to {_name(unable[0])}: its figures are not split that "
            "way.",
            "Choose another view, or a token that fixes less.",
        )
    return filters, extra, as_of


def _refuse_other(name: str, fixed: str, asked: str) -> None:
    if asked and asked != fixed:
        raise EmbedRefusedError(
            f"The embed token fixes {_name(name)} to {fixed}; the address asks for {asked}.",
            "Leave it out of the address.",
        )


def _with_period(query: Mapping[str, str]) -> dict[str, str]:
    """``from`` and ``to`` as a period, and ``customer_id`` as the ``id`` that elements cannot have."""
    known = dict(query)
    if customer := known.pop("customer_id", ""):
        known.setdefault("id", customer)
    first, last = known.pop("from", ""), known.pop("to", "")
    if (first or last) and not known.get("period"):
        known["period"] = f"{first or EARLIEST}..{last or LATEST}"
    return known


def _day(text: str, problems: list[str]) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        problems.append(f"The as-of date {text!r} is not a date (YYYY-MM-DD).")
        return None


def _name(dimension: str) -> str:
    return {"as_of": "the as-of date"}.get(dimension, dimension.replace("_", " "))
