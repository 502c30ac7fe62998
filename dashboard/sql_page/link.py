"""A query in the address bar: as it is if short, compressed if long."""

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode

from core.errors import QueryError
from dashboard.session import Session

SHORT = 600
LONGEST_TEXT = 200_000
LONGEST_LINK = 12_000
MOST_VALUES = 50
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


class QueryAddress:
    """The query of a session in its address bar, with the values of its parameters.

    ``put`` is called with text and values when an address brings another query.
    """

    def __init__(self, session: Session, put: Callable[[str, dict[str, str]], None]) -> None:
        self._session = session
        self._put = put
        self._written: dict[str, str] = {}
        session.param.watch(lambda _event: self.follow(), "extra")

    def write(self, text: str, values: Mapping[str, str]) -> None:
        """Put the query into the address.

        Raises
        ------
        QueryError
            It is too long; the address then holds none.
        """
        self._written = {}
        try:
            if text.strip():
                self._written = {"q": to_link(text)} | ({"p": urlencode(values)} if values else {})
        finally:
            self._session.extra = self._written

    def follow(self) -> None:
        """Take the query of the address, if it is another than was written there."""
        extra = self._session.extra
        if not extra.get("q") or extra == self._written:
            return
        self._written = extra
        try:
            text = from_link(extra["q"])
        except QueryError as error:
            self._session.notices = [*self._session.notices, str(error)]
            return
        self._put(text, dict(parse_qsl(extra.get("p", ""))[:MOST_VALUES]))
