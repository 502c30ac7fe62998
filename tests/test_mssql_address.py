"""Addresses of the SQL Server family, and that nothing in them can add a key to a connection string."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.database.server.address import parse_address
from core.database.server.mssql_address import MssqlAddress, connection_string, read_address
from core.errors import DatabaseError

PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


def read(url: str) -> MssqlAddress:
    return read_address(parse_address(url, "mssql://user:password@host/database"))


def keys_of(text: str) -> dict[str, str]:
    """A connection string as ODBC reads it: values in braces end at a single closing brace."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        equals = text.index("=", place)
        key, place = text[place:equals], equals + 2
        assert text[equals + 1] == "{"
        value = ""
        while text[place] != "}" or text[place + 1 : place + 2] == "}":
            value += text[place]
            place += 2 if text[place] == "}" else 1
        assert key not in found
        assert text[place + 1 : place + 2] in ("", ";")
        found[key], place = value, place + 2
    return found


@settings(deadline=None)
@given(user=PRINTABLE, password=PRINTABLE, database=PRINTABLE)
def test_whatever_is_in_user_password_or_database_stays_there(
    user: str, password: str, database: str
) -> None:
    address = MssqlAddress("db.example.org", 1433, database, user, password)
    found = keys_of(connection_string(address))
    assert (found["UID"], found["PWD"], found["DATABASE"]) == (user, password, database)
    assert found["SERVER"] == "tcp:db.example.org,1433"
    assert list(found) == [
        "DRIVER",
        "SERVER",
        "DATABASE",
        "Encrypt",
        "TrustServerCertificate",
        "APP",
        "UID",
        "PWD",
    ]
    assert password not in repr(address) or password in repr(
        MssqlAddress("db.example.org", 1433, database, user)
    )


def test_a_password_that_tries_to_add_keys_is_only_a_password() -> None:
    address = read("mssql://sa:x%7D%3BTrustServerCertificate%3Dyes%3BPWD%3D%7By@host/sales")
    assert address.password == "x};TrustServerCertificate=yes;PWD={y"
    text = connection_string(address)
    assert text.endswith("PWD={x}};TrustServerCertificate=yes;PWD={y}")
    assert keys_of(text)["TrustServerCertificate"] == "no"


def test_encryption_is_on_and_certificates_are_checked_unless_asked_otherwise() -> None:
    assert "Encrypt={yes};TrustServerCertificate={no}" in connection_string(read("mssql://u:p@host/db"))
    lax = read("mssql://u:p@host:14330/db?trust_server_certificate=yes&encrypt=strict&login_timeout=5")
    assert "tcp:host,14330" in connection_string(lax)
    assert "Encrypt={strict};TrustServerCertificate={yes}" in connection_string(lax)
    assert lax.login_timeout == 5


@pytest.mark.parametrize(
    "url",
    [
        "azuresql://company.database.windows.net/sales",
        "mssql://company.database.windows.net/sales",
        "mssql+pyodbc://pool.sql.azuresynapse.net/sales",
        "mssql://host/sales?authentication=entra",
    ],
)
def test_without_a_user_azure_is_signed_in_to_by_entra_id(url: str) -> None:
    address = read(url)
    assert address.uses_entra
    text = connection_string(address)
    assert "UID" not in text
    assert "PWD" not in text
    assert "Authentication" not in text


@pytest.mark.parametrize(
    ("host", "profile"),
    [
        ("company.database.windows.net", "server"),
        ("works.sql.azuresynapse.net", "dedicated"),
        ("Works-ondemand.sql.azuresynapse.net", "serverless"),
        ("sql.azuresynapse.net.example.org", "server"),
    ],
)
def test_the_host_name_tells_pools_of_synapse(host: str, profile: str) -> None:
    assert read(f"mssql://u:p@{host}/db").profile == profile


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mssql://u:secret@host", "names no database"),
        ("mssql://host/db", "names no user"),
        ("mssql://u@host/db", "no password. Set SALES_DATABASE_PASSWORD"),
        ("mssql://u:secret@host:x/db", "no usable host and port"),
        ("mssql://u:secret@ho;st/db", "characters that no host name has"),
        ("mssql://u:secret@host/db?encrpt=no", "encrpt.*Did you mean encrypt"),
        ("mssql://u:secret@host/db?encrypt=maybe", "encrypt.*Expected: yes"),
        ("mssql://u:secret@host/db?login_timeout=0", "login_timeout.*1 to 300"),
        ("mssql://u:secret@host/db?authentication=entra", "Leave out one"),
        ("mssql+pymssql://u:secret@host/db", "driver pymssql is not used"),
        ("mssql://u:secret%00@host/db", "password.*control character"),
        ("mssql://u:secret@host/db?hostname_in_certificate=a%0Ab", "control character"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_without_the_password(url: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message) as caught:
        read(url)
    assert "secret" not in str(caught.value)
    assert caught.value.remedy
