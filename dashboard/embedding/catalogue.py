"""Every view that can stand alone in another site."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from core.jobs.registry import TASKS
from dashboard.page import PAGES
from dashboard.predictions.trust import NAMES
from dashboard.session import Session
from dashboard.view import REGISTRY, View
from dashboard.views.models_theatre import Drift, MetricOverTime, ModelComparison, ModelFacts, Theatre

_PAGES = {
    "churn": "churn",
    "credit": "credit",
    "customer": "customer",
    "features": "features",
    "recommendations": "recommendations",
    "forecast": "sales",
    "models": "models",
    "actions": "actions",
    "figures": "overview",
    "timeline": "overview",
}
"""The page a view belongs to, by the first word of its module; the others are of Explore."""
_MODEL_VIEWS: dict[str, type[View]] = {
    "theatre": Theatre,
    "comparison": ModelComparison,
    "quality-over-time": MetricOverTime,
    "model-card": ModelFacts,
    "model-drift": Drift,
}
_HEAD = 124
"""Pixels that title, remarks and status take beside the content of a card."""


@dataclass(frozen=True)
class Embeddable:
    """One view that can be embedded.

    Attributes
    ----------
    slug
        Its name in addresses.
    page
        Slug of the page it belongs to, whose parameters its address takes.
    height
        Pixels that it needs.
    make
        Makes it for a session.
    """

    slug: str
    title: str
    description: str
    page: str
    height: int
    make: Callable[[Session], View]

    @property
    def page_title(self) -> str:
        """The title of the page it belongs to."""
        return PAGES[self.page].title if self.page in PAGES else self.page.capitalize()


@cache
def embeddable() -> Mapping[str, Embeddable]:
    """All views that can be embedded, by slug, page after page."""
    import dashboard.shell  # noqa: F401 - every page registers its views

    found = [_described(slug, view, view) for slug, view in REGISTRY.items()]
    found += [
        _described(f"{task}-{slug}", view, partial(view, task=task), task)
        for task in TASKS
        for slug, view in _MODEL_VIEWS.items()
    ]
    order = {slug: i for i, slug in enumerate(PAGES)}
    found.sort(key=lambda entry: order.get(entry.page, len(order)))
    return {entry.slug: entry for entry in found}


def _described(slug: str, view: type[View], make: Callable[[Session], View], task: str = "") -> Embeddable:
    told = view.description if isinstance(view.description, str) else (view.__doc__ or "").split("\n")[0]
    title = f"{NAMES[task].capitalize()}: {view.title}" if task else view.title
    page = _PAGES.get(view.__module__.rpartition(".")[2].partition("_")[0], "explore")
    return Embeddable(slug, title, told, page, view.height + _HEAD, make)
