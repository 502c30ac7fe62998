"""A saved model as files: JSON for plain values, ``.npy`` for arrays, XGBoost's own format for boosters."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.models.model import Part, Parts

_ENDINGS = {"values": ".json", "array": ".npy", "booster": ".ubj"}


def to_bytes(part: Part) -> tuple[str, bytes]:
    """The file ending of a piece and its bytes. Objects that would need pickle are refused by numpy."""
    if isinstance(part, bytes):
        return _ENDINGS["booster"], part
    if isinstance(part, np.ndarray):
        buffer = io.BytesIO()
        np.save(buffer, part, allow_pickle=False)
        return _ENDINGS["array"], buffer.getvalue()
    return _ENDINGS["values"], json.dumps(part, allow_nan=False, sort_keys=True).encode()


def write_files(parts: Parts, folder: Path) -> None:
    """Write every piece as a file named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        ending, content = to_bytes(part)
        (folder / f"{name}{ending}").write_bytes(content)


def read_files(folder: Path) -> Parts:
    """The pieces in a folder; arrays are mapped into memory and read-only, so that opening costs nothing."""
    return {file.stem: _read(file) for file in sorted(folder.iterdir()) if file.suffix in _ENDINGS.values()}


def _read(file: Path) -> Part:
    if file.suffix == _ENDINGS["array"]:
        # An empty array cannot be mapped.
        return np.asarray(_mapped(file))
    if file.suffix == _ENDINGS["booster"]:
        return file.read_bytes()
    plain = json.loads(file.read_bytes())
    if not isinstance(plain, Mapping):
        raise ValueError(f"{file.name} does not hold named values.")
    return plain


def _mapped(file: Path) -> np.ndarray:
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError:
        return np.load(file, allow_pickle=False)
