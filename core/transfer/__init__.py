"""Copying the tables of one database to another, whatever their engines."""

from core.transfer.check import examine_target
from core.transfer.copying import CopyOptions, copy_database, discard_copy
from core.transfer.permission import require_permitted
from core.transfer.places import check_typed, identity, with_password
from core.transfer.report import CopiedTable, CopyProgress, CopyReport, Progress
from core.transfer.selection import copyable

__all__ = [
    "CopiedTable",
    "CopyOptions",
    "CopyProgress",
    "CopyReport",
    "Progress",
    "check_typed",
    "copy_database",
    "copyable",
    "discard_copy",
    "examine_target",
    "identity",
    "require_permitted",
    "with_password",
]
