"""The texts of components, with the makers of elements that several of them share."""

from pathlib import Path

_FOLDER = Path(__file__).parent
_SHARED = (_FOLDER / "elements.js").read_text(encoding="utf-8")


def script(name: str) -> str:
    """The file ``name`` of this folder, after ``elements.js``, whose functions it uses."""
    return f"{_SHARED}\n{(_FOLDER / name).read_text(encoding='utf-8')}"
