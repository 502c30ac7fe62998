"""What the prediction pages share: the trust strips on top, and chapters of cards."""

from collections.abc import Sequence
from typing import ClassVar

import panel as pn
import param

from dashboard.components import CardGrid, TabStrip
from dashboard.page import Page
from dashboard.predictions.trust import Trust
from dashboard.session import Session
from dashboard.view import View


class PredictionPage(Page):
    """A page of one or more tasks; its chapters (tabs) hold cards in a grid.

    Attributes
    ----------
    tasks
        The tasks whose trust strips stand on top.
    chapters
        By slug: title and the views of the chapter. A single chapter shows no tabs.
    """

    tasks: ClassVar[tuple[str, ...]] = ()
    chapters: ClassVar[dict[str, tuple[str, tuple[type[View], ...]]]] = {}
    max_columns: ClassVar[int] = 2

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.strips = [Trust(session, task) for task in self.tasks]
        self._views: dict[str, list[View]] = {}
        self._grids: dict[str, CardGrid] = {}
        self._stage = pn.Column(sizing_mode="stretch_width", margin=0)
        self.tabs = TabStrip(
            tabs=[{"slug": slug, "title": title} for slug, (title, _views) in self.chapters.items()],
            active=self.chapter(),
            visible=len(self.chapters) > 1,
            sizing_mode="stretch_width",
        )
        self.tabs.param.watch(self._tab_chosen, "active")
        session.on_change(self._open_chapter)
        self._open_chapter()

    def chapter(self) -> str:
        """The chapter that is open."""
        return self.session.tab if self.session.tab in self.chapters else next(iter(self.chapters))

    def views_of(self, chapter: str) -> list[View]:
        """The views of a chapter, made when it is first opened."""
        if chapter not in self._views:
            self._views[chapter] = [view(self.session) for view in self.chapters[chapter][1]]
            self._grids[chapter] = CardGrid(
                objects=[view.panel() for view in self._views[chapter]],
                max_columns=self.max_columns,
                sizing_mode="stretch_width",
            )
            self._stage.append(self._grids[chapter])
        return self._views[chapter]

    def _tab_chosen(self, event: param.parameterized.Event) -> None:
        if event.new != self.chapter():
            self.session.tab = event.new

    def _open_chapter(self) -> None:
        if self.session.page != self.slug:
            return
        chapter = self.chapter()
        self.views_of(chapter)
        for slug, grid in self._grids.items():
            grid.visible = slug == chapter
        self.tabs.active = chapter

    def panel(self) -> pn.viewable.Viewable:
        return pn.Column(
            *(strip.panel() for strip in self.strips),
            self.tabs,
            pn.Column(self._stage, sizing_mode="stretch_width", margin=(16, 0)),
            sizing_mode="stretch_width",
            margin=(8, 24, 24, 24),
        )

    def visible_views(self) -> Sequence[View]:
        return [*self.strips, *self.views_of(self.chapter())]
