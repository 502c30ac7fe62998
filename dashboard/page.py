"""What a page is: a title, a place in the navigation, and views composed under tabs."""

from collections.abc import Sequence
from typing import ClassVar

import panel as pn

from core.roles import Role
from dashboard.components.page_message import PageMessage
from dashboard.session import Session
from dashboard.view import View

PAGES: dict[str, type["Page"]] = {}


class Page:
    """One page of one session. Its parts are made when they are first seen.

    Attributes
    ----------
    position
        Orders the pages in the navigation.
    group
        Heading under which the page stands there; empty: none.
    in_navigation
        Whether it stands there at all; others are opened from within pages.
    needs_sales
        Whether there is nothing to see on a database without sales that can be recognised.
    needs
        The role that a person must have to see it.
    came_from
        The address (URL query) of what was seen before this page was opened; empty at the start.
    """

    slug: ClassVar[str] = ""
    title: ClassVar[str] = ""
    position: ClassVar[int] = 99
    group: ClassVar[str] = ""
    in_navigation: ClassVar[bool] = True
    needs_sales: ClassVar[bool] = True
    needs: ClassVar[Role] = Role.VIEWER
    came_from: str = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.slug:
            return
        PAGES[cls.slug] = cls
        for slug in sorted(PAGES, key=lambda slug: PAGES[slug].position):
            PAGES[slug] = PAGES.pop(slug)

    def __init__(self, session: Session) -> None:
        self.session = session

    def panel(self) -> pn.viewable.Viewable:
        """The whole page; called once."""
        raise NotImplementedError

    def visible_views(self) -> Sequence[View]:
        """The views that can be seen now, in reading order; the others do nothing."""
        raise NotImplementedError


class MessagePage(Page):
    """In place of a page that may not be seen or cannot be shown."""

    needs_sales = False

    def __init__(
        self, session: Session, title: str, text: str, remedy: str = "", reference: str = ""
    ) -> None:
        super().__init__(session)
        self._shown = {"title": title, "text": text, "remedy": remedy, "reference": reference}

    def panel(self) -> pn.viewable.Viewable:
        return PageMessage(**self._shown, sizing_mode="stretch_width")

    def visible_views(self) -> Sequence[View]:
        return ()
