"""What PostgreSQL and MySQL have in common: answers about tables that one statement of a catalogue gives."""

from abc import abstractmethod
from types import ModuleType
from typing import ClassVar

from core.database.server.dialect import Connection, Dialect, Relation, Rows


class CatalogueDialect(Dialect):
    """A dialect whose statements about tables stand in the module ``catalogue``."""

    catalogue: ClassVar[ModuleType]

    @abstractmethod
    def declared_type(self, stored: object) -> str:
        """The type of a column as the catalogue gives it, as text."""

    def relations(self, connection: Connection) -> list[Relation]:
        found: dict[str, Relation] = {}
        for name, kind, column, declared in self.fetch(connection, self.catalogue.RELATIONS):
            relation = found.setdefault(name, Relation(name, kind))
            if column is not None:
                relation.columns[column] = self.declared_type(declared)
        return list(found.values())

    def key_of(self, connection: Connection, table: str) -> tuple[str, ...]:
        return tuple(name for (name,) in self.fetch(connection, self.catalogue.KEY, {"table": table}))

    def foreign_keys_of(self, connection: Connection, table: str) -> Rows:
        return self.fetch(connection, self.catalogue.FOREIGN_KEYS, {"table": table})

    def schema_version(self, connection: Connection) -> str:
        return str(self.fetch(connection, self.catalogue.SCHEMA_VERSION)[0][0])

    def data_version(self, connection: Connection) -> str:
        return str(self.fetch(connection, self.catalogue.DATA_VERSION)[0][0])
