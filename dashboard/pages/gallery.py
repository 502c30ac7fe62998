"""Embed: every view that can stand in another site, with what is pasted there."""

from collections.abc import Sequence
from typing import Any

import panel as pn

from core.errors import SalesError
from core.roles import Role, allows, require
from dashboard.embedding.access import embed_mode
from dashboard.embedding.catalogue import embeddable
from dashboard.embedding.components import EmbedGallery
from dashboard.embedding.issuing import checked_token
from dashboard.embedding.origins import EVERYWHERE, embedding_sites
from dashboard.embedding.pinning import PINNABLE
from dashboard.page import PAGES, Page
from dashboard.session import Session
from dashboard.view import View

PREVIEW_SECONDS = 600
"""How long the token of a preview is good for; the page asks for another while somebody uses it."""


class Gallery(Page):
    """Live previews, search, snippets of both kinds, and tokens for admins."""

    slug = "gallery"
    title = "Embed"
    position = 90
    group = "Share"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        settings = session.settings
        mode = embed_mode(settings)
        self.gallery = EmbedGallery(
            views=[
                {
                    "slug": view.slug,
                    "title": view.title.replace("{currency}", settings.currency),
                    "description": view.description,
                    "page": view.page,
                    "page_title": view.page_title,
                    "height": view.height,
                }
                for view in embeddable().values()
            ],
            mode=mode,
            may_issue=mode != "off" and allows(Role.ADMIN),
            origins=_origins(embedding_sites(settings)),
            on_event=self._asked,
            sizing_mode="stretch_width",
        )
        session.on_change(self._follow)
        self._follow()

    def panel(self) -> pn.viewable.Viewable:
        return pn.Column(self.gallery, sizing_mode="stretch_width", margin=(8, 24, 24, 24))

    def visible_views(self) -> Sequence[View]:
        return ()

    def _follow(self) -> None:
        """Let previews and snippets have the filters of the session."""
        session = self.session
        if session.page != self.slug:
            return
        told = [label for _key, _value, label in session.filters.chips(session.names())]
        query = session.filters.to_query()
        if session.as_of is not None:
            told.append(f"as of {session.as_of:%-d %B %Y}")
            query["as_of"] = session.as_of.isoformat()
        wanted = {"query": query, "told": "; ".join(told), "dark": session.dark}
        changed = {name: value for name, value in wanted.items() if getattr(self.gallery, name) != value}
        if changed:
            self.gallery.param.update(**changed)

    def _asked(self, message: dict[str, Any]) -> None:
        view = str(message.get("view", ""))
        try:
            if message.get("kind") == "token":
                require(Role.ADMIN, "issuing embed tokens")
                hours = float(message.get("hours") or 0)
                token = checked_token(self.session.settings, [view], dict(self.gallery.query), hours=hours)
                self.gallery.tell(kind="token", view=view, token=token, problem="")
            elif message.get("kind") == "preview":
                token = self._preview(view)
                asked = {name: message.get(name) for name in ("at", "alone")}
                self.gallery.tell(
                    kind="preview", view=view, token=token, seconds=PREVIEW_SECONDS, problem="", **asked
                )
        except (SalesError, TypeError, ValueError) as error:
            kind = str(message.get("kind"))
            self.gallery.tell(kind=kind, view=view, token="", problem=str(error), at=message.get("at"))

    def _preview(self, slug: str) -> str:
        """A token for what is shown now in the preview of one view, and for nothing else."""
        view = embeddable().get(slug)
        page = PAGES.get(view.page) if view is not None else None
        require(page.needs if page is not None else Role.VIEWER, "previews of embedded views")
        fixed = (
            *PINNABLE.get(slug, ()),
            "as_of",
        )  # the other filters do not limit it and stay in the address
        pins = {name: value for name, value in self.gallery.query.items() if name in fixed}
        return checked_token(self.session.settings, [slug], pins, hours=PREVIEW_SECONDS / 3600)


def _origins(allowed: Sequence[str]) -> str:
    if EVERYWHERE in allowed:
        return "Every site may show them."
    if not allowed:
        return "Only pages of this server may show them until SALES_EMBED_ORIGINS names other sites."
    return f"These sites may show them: {', '.join(allowed)}."
