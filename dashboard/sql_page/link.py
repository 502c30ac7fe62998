"""A query in the address bar: as it is if short, compressed if long."""

import base64
import binascii
import zlib
from urllib.parse import quote

from core.errors import QueryError

SHORT = 600
LONGEST_TEXT = 200_000
LONGEST_LINK = 12_000
_PACKED = "~"


def to_link(text: str) -> str:
    """``text`` as the value of a query parameter.

    Raises
    ------
    QueryError
        It is too long for an address, even compressed.
    """
    if len(quote(text)) <= SHORT and not text.startswith(_PACKED):
        return text
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
    if len(packed) > LONGEST_LINK:
        raise QueryError("The query is too long for a link.", "Share it as a file.")
    return _PACKED + packed


def from_link(value: str) -> str:
    """The text that ``to_link`` packed.

    Raises
    ------
    QueryError
        The value was damaged, or unpacks to more than any query has.
    """
    if not value.startswith(_PACKED):
        return value[:LONGEST_TEXT]
    body = value[len(_PACKED) :]
    try:
        unpacker = zlib.decompressobj()
        packed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        text = unpacker.decompress(packed, LONGEST_TEXT)
        if not unpacker.eof:
            raise ValueError
        return text.decode()
    except (ValueError, zlib.error, binascii.Error):
        raise QueryError("The query in the address cannot be read.", "Ask for the link again.") from None
