"""Where the files that ship with the product are: SQL texts and the demo data."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def _shipped(packaged: str, checkout: str) -> Path:
    """The folder inside the installed wheel, or the one at the top of a checkout."""
    installed = _PACKAGE / "resources" / packaged
    return installed if installed.is_dir() else _PACKAGE.parent / checkout


def sql_folder() -> Path:
    """The folder that holds every query of the product."""
    return _shipped("sql", "sql")


def demo_folder() -> Path:
    """The folder that holds the demo company as CSV files."""
    return _shipped("demo", "data/demo")


def made_demo() -> Path:
    """Where an image keeps the demo database with its models, made when the image was built."""
    return _PACKAGE / "resources" / "made" / "demo.sqlite"
