"""Files as streams of bytes, plain or gzip, and what a file is by its first bytes."""

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from core.errors import IngestError
from core.ingest.problems import Problem, refusal

_BUFFER = 1 << 18
_GZIP = b"\x1f\x8b"
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"II*\0": "a TIFF picture",
    b"<!DOC": "a web page",
    b"<!doc": "a web page",
    b"<html": "a web page",
    b"{\\rtf": "a text document (RTF)",
    b"\x7fELF": "a program",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls) or another old Office document",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"(\xb5/\xfd": "a Zstandard archive",
}
_UNPACK = "Unpack it and load the files in it."
_REMEDIES = {
    "archive": "Unpack it, or compress it with gzip.",
    "old": "Open it in a spreadsheet and save it as .xlsx or CSV.",
}


class _Gunzip(io.RawIOBase):
    """The contents of a gzip file; damage is told with the line up to which it could be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.packed = path.open("rb")
        self._unpacked = gzip.GzipFile(fileobj=self.packed, mode="rb")
        self._lines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._unpacked.read1(len(buffer))
        except EOFError:
            reason = "the compressed file is cut off here"
        except (zlib.error, gzip.BadGzipFile):
            reason = "the compressed file is damaged here"
        else:
            self._lines += data.count(b"\n")
            buffer[: len(data)] = data
            return len(data)
        remedy = "Copy or compress the file again; the old data are untouched."
        raise refusal(Problem(self._path.name, self._lines + 1, "", reason, remedy))

    def close(self) -> None:
        if not self.closed:
            self._unpacked.close()
            self.packed.close()
        super().close()


def open_stream(path: Path, offset: int = 0) -> BinaryIO:
    """The bytes of a file from ``offset`` on; those of a gzip file unpacked."""
    if not is_gzip(path):
        stream = path.open("rb", buffering=_BUFFER)
        stream.seek(offset)
        return stream
    unpacked = cast(BinaryIO, io.BufferedReader(_Gunzip(path), _BUFFER))
    while offset > 0 and (skipped := len(unpacked.read(min(offset, _BUFFER)))):
        offset -= skipped
    return unpacked


def place_in_file(stream: BinaryIO) -> int:
    """How many bytes of the file itself have been read, for progress."""
    raw = getattr(stream, "raw", None)
    return raw.packed.tell() if isinstance(raw, _Gunzip) else stream.tell()


def is_gzip(path: Path) -> bool:
    """Whether the file is compressed with gzip, whatever its name."""
    return first_bytes(path, 2) == _GZIP


def first_bytes(path: Path, number: int) -> bytes:
    """The beginning of a file."""
    with path.open("rb") as stream:
        return stream.read(number)


def refuse_foreign(path: Path) -> None:
    """Refuse a file that is known to be no table, whatever its name says.

    Raises
    ------
    IngestError
        It is a document, a picture, a program or an archive other than gzip.
    """
    start = first_bytes(path, 8)
    if start.startswith(b"PK\x03\x04"):
        raise IngestError(
            f"Nothing was loaded: {path.name} is a zip archive.",
            f"{_UNPACK} gzip (.gz) can be loaded as it is.",
        )
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            kind = "archive" if "archive" in what else "old" if "Excel" in what else ""
            remedy = _REMEDIES.get(kind, "Export the table as CSV, Excel (.xlsx) or Parquet.")
            raise IngestError(f"Nothing was loaded: {path.name} is {what}, not a table.", remedy)
