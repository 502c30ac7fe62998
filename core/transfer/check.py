"""What a copy would find in its target, in one sentence: asked before it is begun."""

import os
import time
from pathlib import Path

from core.database import shown_url
from core.errors import DatabaseError
from core.roles import Role, require
from core.transfer.places import check_places, file_of, is_there, open_target
from core.transfer.record import read_record


def examine_target(from_url: str, to_url: str, demo: Path | None = None) -> str:
    """Whether there can be copied to ``to_url``, and what is there.

    Raises
    ------
    NotAllowedError
        Whoever asks is no admin.
    DatabaseError
        It cannot be copied to, with the reason.
    """
    require(Role.ADMIN, "copying a database")
    check_places(from_url, to_url, demo)
    file = file_of(to_url)
    if file is not None and not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        raise DatabaseError(f"{file} cannot be written.", "Choose a place that is yours.")
    if file is not None and not is_there(to_url):
        return f"{file.name} is not there yet; the copy makes it."
    start = time.perf_counter()
    with open_target(to_url) as target:
        said = target.answer()
        took = time.perf_counter() - start
        tables = [info.name for info in target.tables() if info.kind == "table"]
        left = read_record(target)
    held = f"It has {len(tables):,} {'table' if len(tables) == 1 else 'tables'}"
    more = f"; {len(left)} more wait from a copy that was broken off" if left else ""
    name = file.name if file is not None else shown_url(to_url)
    return f"{said} {name} is reached in {took * 1000:,.0f} ms. {held}{more}."
