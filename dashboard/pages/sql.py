"""SQL: ask the database anything, look at the answer as a table or a chart, and share it."""

from collections.abc import Sequence

import panel as pn

from core.roles import Role
from dashboard.components.sql_editor import SqlFrame
from dashboard.page import Page
from dashboard.session import Session
from dashboard.sql_page.desk import QueryDesk
from dashboard.view import View


class Sql(Page):
    """The catalogue beside the editor and the result."""

    slug = "sql"
    title = "SQL"
    position = 3
    needs_sales = False
    needs = Role.ANALYST

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.desk = QueryDesk(session)

    def panel(self) -> pn.viewable.Viewable:
        desk = self.desk
        frame = SqlFrame(
            side=desk.catalogue, editor=desk.editor, result=desk.result, sizing_mode="stretch_width"
        )
        return pn.Column(frame, sizing_mode="stretch_width", margin=(16, 24, 24, 24))

    def visible_views(self) -> Sequence[View]:
        return []
