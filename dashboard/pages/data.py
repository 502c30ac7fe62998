"""Data: bring files in, look at them, say what they are, and see them on every page."""

from collections.abc import Sequence

import panel as pn

from core.database.schema import declared_tables
from core.ingest import IngestReport
from core.roles import Role
from dashboard.components import CardGrid
from dashboard.current_database import current_database
from dashboard.data_page.copy_desk import CopyDesk
from dashboard.data_page.mapping_desk import MappingDesk
from dashboard.data_page.source_card import SourceCard
from dashboard.data_page.table_list import TableList
from dashboard.data_page.upload_desk import UploadDesk
from dashboard.page import Page
from dashboard.session import Session
from dashboard.sql_page.running import Background
from dashboard.view import View


class Data(Page):
    """The database shown, upload with preview, the tables, their mapping, and a copy elsewhere."""

    slug = "data"
    title = "Data"
    position = 4
    needs_sales = False
    needs = Role.ANALYST

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        document = pn.state.curdoc
        self.current = current_database(session)
        background = Background(document)
        self.source = SourceCard(self.current, background)
        self.desk = UploadDesk(self.current, background, self._loaded)
        self.tables = TableList(self.current, background)
        self.mapping = MappingDesk(self.current, background, self._next)
        self.copy = CopyDesk(self.current, background)
        self.current.on_change(document, self.follow)
        if document is not None:
            document.on_session_destroyed(lambda _context: self.desk.discard())
            document.on_session_destroyed(lambda _context: self.copy.leave())
        self.tables.refresh()
        self.mapping.refresh()
        self.copy.refresh()

    def panel(self) -> pn.viewable.Viewable:
        parts = [
            self.source.card,
            self.desk.upload,
            self.desk.preview,
            self.tables.card,
            self.mapping.card,
            self.copy.card,
        ]
        grid = CardGrid(objects=parts, max_columns=1, sizing_mode="stretch_width", margin=(16, 24, 24, 24))
        return pn.Column(grid, sizing_mode="stretch_width", margin=0)

    def visible_views(self) -> Sequence[View]:
        return []

    def follow(self) -> None:
        """Show the present data after somebody changed them."""
        self.source.follow()
        self.desk.follow()
        self.tables.refresh()
        self.mapping.refresh()
        self.copy.refresh()

    def _loaded(self, report: IngestReport) -> None:
        unknown = [table for table in report.tables if table.name not in declared_tables()]
        if unknown:
            self.mapping.refresh(max(unknown, key=lambda table: table.rows).name)
        self.current.changed()

    def _next(self, what: str) -> None:
        if what == "switch":
            self.source.switch(self.current.own_url)
        self.session.param.update(page="explore", tab="")
