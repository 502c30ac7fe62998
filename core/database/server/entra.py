"""Entra ID: tokens that take the place of a password for Azure SQL and Synapse."""

import logging
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import DatabaseError

SCOPE = "https://database.windows.net/.default"
ACCESS_TOKEN = 1256
"""The connection attribute SQL_COPT_SS_ACCESS_TOKEN, set before connecting."""

_MARGIN_SECONDS = 300.0


class Token(Protocol):
    """What a credential gives: the token and when it ends, in seconds since 1970."""

    token: str
    expires_on: int


class Credential(Protocol):
    """What signs in, such as ``azure.identity.DefaultAzureCredential``."""

    def get_token(self, *scopes: str) -> Any:
        """A token for the scopes."""


@dataclass
class TokenSource:
    """Tokens for connections, fetched when first needed and again before they end; safe to share.

    Parameters
    ----------
    open_credential
        Makes the credential when the first token is needed.
    now
        The clock, seconds since 1970.
    """

    open_credential: Callable[[], Credential]
    now: Callable[[], float] = time.time
    _credential: Credential | None = field(default=None, init=False, repr=False)
    _token: Any = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def attributes(self) -> dict[int, bytes]:
        """The driver's ``attrs_before`` with a token that is good for five minutes at least.

        Raises
        ------
        DatabaseError
            Nobody is signed in, or Entra ID refuses.
        """
        with self._lock:
            if self._token is None or self._token.expires_on - self.now() < _MARGIN_SECONDS:
                self._token = self._fresh()
            return {ACCESS_TOKEN: packed(self._token.token)}

    def forget(self) -> None:
        """Fetch a new token next time, after the server refused this one."""
        with self._lock:
            self._token = None

    def _fresh(self) -> Any:
        try:
            if self._credential is None:
                self._credential = self.open_credential()
            return self._credential.get_token(SCOPE)
        except Exception as error:
            if not _is_azure(error):
                raise
            raise DatabaseError(
                f"Entra ID gave no token for the database ({type(error).__name__}).",
                "Give the app a managed identity (AZURE_CLIENT_ID names a user-assigned one), or set"
                " AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with: az login",
            ) from None  # its text may hold what was sent


def packed(token: str) -> bytes:
    """A token as the driver takes it: its length in bytes, then UTF-16."""
    text = token.encode("utf-16-le")
    return struct.pack(f"<I{len(text)}s", len(text), text)


def default_credential(client_id: str = "") -> Credential:
    """Managed identity, service principal of the environment or a developer's sign-in, whichever there is.

    Parameters
    ----------
    client_id
        Of a user-assigned managed identity; AZURE_CLIENT_ID says it otherwise.
    """
    from azure.identity import DefaultAzureCredential

    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # our sentence says it in one line
    logging.getLogger("azure.core").setLevel(logging.WARNING)  # it would log each request
    options = {"managed_identity_client_id": client_id} if client_id else {}
    return DefaultAzureCredential(exclude_interactive_browser_credential=True, **options)


def _is_azure(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in ("azure", "msal") or isinstance(error, ValueError)
