"""Where the Data page may copy to: what is permitted by default, what can be named, and no way round."""

from pathlib import Path

import pytest

from core.copy_targets import copy_targets
from core.errors import DatabaseError, SettingsError
from core.roles import allow_everything, set_policy
from core.settings import Settings, read_settings
from core.transfer import require_permitted
from core.transfer.places import check_typed
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.copy_desk import CopyDesk
from dashboard.security.checks import check_settings
from dashboard.sql_page.running import Background


def permitted(address: str, settings: Settings) -> bool:
    try:
        require_permitted(address, copy_targets(settings))
    except DatabaseError as error:
        if "SALES_COPY_TARGETS" not in error.remedy or "geheim" in str(error):
            pytest.fail(f"not how a target is refused: {error}")
        return False
    return True


def named(*texts: str) -> Settings:
    return Settings(copy_targets=list(texts))


def test_whoever_sits_at_the_computer_copies_everywhere() -> None:
    assert permitted("postgresql://me@elsewhere.example/x", Settings())
    assert permitted("sqlite:////anywhere/x.sqlite", Settings(host="127.0.0.2"))
    # but not whoever comes over the network, signed in or not
    assert not permitted("postgresql://me@elsewhere.example/x", Settings(sign_in="basic"))
    assert not permitted(
        "postgresql://me@elsewhere.example/x", Settings(host="0.0.0.0", allow_anonymous=True)
    )


def test_where_people_sign_in_there_is_the_data_folder_and_the_own_server(tmp_path: Path) -> None:
    settings = Settings(
        sign_in="basic", data_dir=tmp_path, database_url="azuresql://me:geheim@db.example/company"
    )
    assert permitted(f"sqlite:///{tmp_path}/copy.sqlite", settings)
    assert permitted(f"parquet:///{tmp_path}/archive", settings)
    assert permitted("mssql://other:geheim@DB.example:1433/archive", settings)
    for address in (
        "sqlite:////etc/copy.sqlite",
        f"sqlite:///{tmp_path}",
        f"sqlite:///{tmp_path}/../copy.sqlite",
        f"sqlite:///{tmp_path}-other/copy.sqlite",
        "azuresql://me:geheim@db.example:1434/company",
        "postgresql://me:geheim@db.example/company",
        "azuresql://me:geheim@db.example.elsewhere.example/company",
        "postgresql://me:geheim@169.254.169.254/latest",
        "postgresql://me:geheim@127.0.0.1/x",
        "sc://elsewhere.example:15002/;schema=x",
    ):
        assert not permitted(address, settings), address


@pytest.mark.parametrize(
    "address",
    [
        "mssql://db.example;x:pw@evil.example:1433/db",
        "postgresql://db.example;x:y@evil.example/db",
        "mysql://db.example;a:b@evil/db",
        "sc://evil.example:15002/x=b@db.example:15002",
        "sc://evil.example:15002/;user_id=a@db.example:15002",
    ],
)
def test_an_address_is_read_as_it_will_be_opened(address: str) -> None:
    settings = named("db.example", "sc://db.example:15002")
    try:
        assert not permitted(address, settings), address
    except pytest.fail.Exception:  # refused as an address already
        with pytest.raises(DatabaseError, match="address"):
            require_permitted(address, copy_targets(settings))


def test_the_token_of_the_server_goes_to_its_own_spark_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_DATABASE_PASSWORD", "geheim")
    own = "sc://own.example:15002/;use_ssl=true"
    check_typed("sc://own.example:15002/;schema=copy", own)
    for typed in (
        "sc://evil.example:15002/;user_id=a@own.example:15002",
        "sc://evil.example:15002/;x=@own.example",
    ):
        with pytest.raises(DatabaseError):
            check_typed(typed, own)


@pytest.mark.parametrize(
    ("own", "target"),
    [
        ("postgresql://app:p;w@db.example/shop", "postgresql://other:x@db.example:5432/copy"),
        ("sc://own.example/;schema=sales", "sc://own.example:15002/;schema=copy"),
    ],
)
def test_the_own_server_is_a_target_whatever_its_address_holds(own: str, target: str) -> None:
    settings = Settings(database_url=own, host="0.0.0.0", sign_in="basic")
    check_settings(settings)
    assert permitted(target, settings)


def test_a_proxy_on_this_computer_brings_people_from_elsewhere() -> None:
    settings = Settings(host="localhost", public_url="https://sales.example")
    assert not permitted("postgresql://me@elsewhere.example/x", settings)


def test_a_link_out_of_a_folder_leads_nowhere(tmp_path: Path) -> None:
    inside, outside = tmp_path / "copies", tmp_path / "elsewhere"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    settings = named(str(inside))
    assert permitted(f"sqlite:///{inside}/x.sqlite", settings)
    assert not permitted(f"sqlite:///{inside}/link/x.sqlite", settings)
    assert permitted(f"sqlite:///{outside}/x.sqlite", named(str(inside / "link")))


@pytest.mark.parametrize(
    ("target", "address", "may"),
    [
        ("db.example", "postgresql://me@db.example/x", True),
        ("db.example", "postgresql://me@db.example:5432/x", True),
        ("db.example", "mysql://me@DB.EXAMPLE./x", True),
        ("db.example", "postgresql://me@db.example:6432/x", False),
        ("db.example:6432", "postgresql://me@db.example:6432/x", True),
        ("db.example:6432", "postgresql://me@db.example/x", False),
        ("*.example", "postgresql://me@a.b.example/x", True),
        ("*.example", "postgresql://me@example/x", False),
        ("*.example", "postgresql://me@example.elsewhere/x", False),
        ("*.example", "postgresql://me@elsewhere,a.example/x", False),
        ("*.example", "postgresql://me@elsewhere%2Ca.example/x", False),
        ("*.example", "postgresql://me@elsewhere%00.example/x", False),
        ("*.example", "postgresql://a.example@elsewhere/x", False),
        ("*.example", "postgresql://me:x@a.example@elsewhere/x", False),
        ("*.example", "postgresql://elsewhere/x?host=a.example", False),
        ("postgresql://db.example", "postgres+psycopg://me@db.example/x", True),
        ("postgresql://db.example", "mysql://me@db.example/x", False),
        ("azuresql://*.database.windows.net", "mssql://me@mine.database.windows.net/x", True),
        ("localhost:5433", "postgresql://me@127.0.0.1:5433/x", True),
        ("[::1]:5433", "postgresql://me@localhost:5433/x", True),
        ("[fe80::1]", "postgresql://me@[fe80::1]/x", True),
        ("sc://spark.example", "sc://spark.example:15002/;token=geheim;schema=x", True),
        ("db.example", "sqlite:////db.example", False),
        ("*", "postgresql://me@elsewhere/x", True),
    ],
)
def test_targets_are_hosts_servers_or_everything(target: str, address: str, may: bool) -> None:
    assert permitted(address, named(target)) is may


@pytest.mark.parametrize(
    "text", ["data/copies", "ftp://db.example", "db.example:99999", "a b", "*.*.example"]
)
def test_what_is_no_target_is_told_at_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="SALES_COPY_TARGETS names"):
        copy_targets(named(text))


def test_targets_are_read_from_the_environment(tmp_path: Path) -> None:
    given = {"SALES_COPY_TARGETS": f"{tmp_path}, *.example:5433", "SALES_SIGN_IN": "basic"}
    assert str(copy_targets(read_settings(given))) == f"files in {tmp_path}, *.example:5433"


def test_the_page_asks_nothing_of_what_is_not_permitted(tmp_path: Path) -> None:
    """Neither a test of the connection nor a copy gets as far as the network or the disk."""
    set_policy(allow_everything)
    settings = Settings(
        data_dir=tmp_path / "data", database_url=f"sqlite:///{tmp_path}/company.sqlite", sign_in="basic"
    )
    (tmp_path / "company.sqlite").touch()
    current = CurrentDatabase(settings)
    desk = CopyDesk(current, Background(None))
    for kind in ("test", "copy"):
        for address in (f"sqlite:///{tmp_path}/copy.sqlite", "postgresql://me@127.0.0.1:1/x"):
            desk.card._handle_msg({"kind": kind, "address": address, "password": "geheim"})
            assert desk.card.state["phase"] == "idle"
            assert "Nothing may be copied to" in desk.card.state["message"]
            assert f"Permitted are: files in {tmp_path / 'data'}." in desk.card.state["message"]
    assert not (tmp_path / "copy.sqlite").exists()
    current.database.close()
