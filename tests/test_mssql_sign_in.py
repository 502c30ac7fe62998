"""Tokens of Entra ID in place of passwords, and the driver where the system does not know it."""

import builtins
import struct
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from core.database.server import mssql_driver
from core.database.server.entra import ACCESS_TOKEN, SCOPE, TokenSource, packed
from core.errors import DatabaseError


@dataclass
class _Token:
    token: str
    expires_on: int


@dataclass
class _Credential:
    """Gives a new token for an hour each time; counts how often it was asked."""

    now: list[float]
    asked: list[str] = field(default_factory=list)

    def get_token(self, *scopes: str) -> Any:
        self.asked += scopes
        return _Token(f"token {len(self.asked)}", int(self.now[0]) + 3600)


def test_a_token_is_its_length_and_then_utf_16() -> None:
    assert packed("abc") == struct.pack("<I", 6) + b"a\0b\0c\0"


def test_a_token_is_kept_until_five_minutes_before_its_end() -> None:
    now = [1_000_000.0]
    credential = _Credential(now)
    source = TokenSource(lambda: credential, lambda: now[0])
    assert source.attributes() == {ACCESS_TOKEN: packed("token 1")}
    now[0] += 3600 - 301
    assert source.attributes() == {ACCESS_TOKEN: packed("token 1")}
    now[0] += 2
    assert source.attributes() == {ACCESS_TOKEN: packed("token 2")}
    source.forget()
    assert source.attributes() == {ACCESS_TOKEN: packed("token 3")}
    assert credential.asked == [SCOPE] * 3


def test_tokens_are_in_no_text() -> None:
    source = TokenSource(lambda: _Credential([0.0]), lambda: 0.0)
    source.attributes()
    assert "token 1" not in repr(source)


def test_nobody_signed_in_is_one_sentence_that_repeats_nothing_of_the_answer() -> None:
    class Refused:
        def get_token(self, *_scopes: str) -> Any:
            raise ClientAuthenticationError("the secret s3cr3t of the client is wrong")

    with pytest.raises(DatabaseError, match=r"gave no token.*managed identity.*az login") as caught:
        TokenSource(Refused).attributes()
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_the_library_of_odbc_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pyodbc":
            raise ImportError("libodbc.so.2: cannot open shared object file: No such file or directory")
        return genuine(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DatabaseError, match=r"libodbc.so.2.*apt-get install libodbc2"):
        mssql_driver.pyodbc()


def test_the_installed_package_carries_the_driver() -> None:
    library = mssql_driver.carried_library()
    assert library is not None
    assert library.is_file()
    assert library.name.startswith("libmsodbcsql-18")


def test_without_any_driver_both_ways_to_install_it_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Module:
        def drivers(self) -> list[str]:
            return []

    monkeypatch.setattr(mssql_driver, "pyodbc", Module)
    monkeypatch.setattr(mssql_driver, "carried_library", lambda: None)
    mssql_driver.driver.cache_clear()
    with pytest.raises(DatabaseError, match=r"ODBC Driver 18.*msodbcsql18.*mssql-python"):
        mssql_driver.driver()
