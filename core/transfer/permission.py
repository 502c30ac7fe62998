"""Whether a person may let the server copy to an address."""

import os
from pathlib import Path

from core.copy_targets import FAMILIES, CopyTargets
from core.database import shown_url
from core.errors import DatabaseError
from core.transfer.places import file_of, server_of


def require_permitted(url: str, targets: CopyTargets) -> None:
    """Check an address before anything is asked of it, be it only whether it is there.

    Raises
    ------
    DatabaseError
        It is nothing that may be copied to.
    """
    if targets.everywhere:
        return
    file = file_of(url)
    if file is not None:
        is_permitted = any(_is_within(file, folder) for folder in targets.folders)
    else:
        address = server_of(url)
        family = FAMILIES.get(address.scheme, address.scheme)
        is_permitted = any(
            server.covers(family, address.host, address.port or 0) for server in targets.servers
        )
    if not is_permitted:
        raise DatabaseError(
            f"Nothing may be copied to {shown_url(url)} from here.",
            f"Permitted are: {targets}. Whoever runs the dashboard can name others in SALES_COPY_TARGETS.",
        )


def _is_within(file: Path, folder: Path) -> bool:
    """Whether a file lies in a folder, wherever links lead."""
    inner, outer = Path(os.path.realpath(file.absolute())), Path(os.path.realpath(folder.absolute()))
    return inner != outer and inner.is_relative_to(outer)
