"""Who may do what: a person's role, deny by default, and rights that go with work into other threads."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.roles import (
    NotAllowedError,
    Person,
    Role,
    acting_as,
    allow_everything,
    allows,
    carried,
    known_people_only,
    policy,
    require,
    role_named,
    who,
)

EVE = Person("eve", Role.VIEWER)
ANN = Person("ann", Role.ANALYST)


def test_a_single_user_may_do_everything() -> None:
    with policy(allow_everything):
        require(Role.ADMIN)


def test_nobody_known_may_do_nothing() -> None:
    with policy(known_people_only):
        assert not allows(Role.VIEWER)
        with pytest.raises(NotAllowedError, match="querying in SQL: it needs the role analyst"):
            require(Role.ANALYST, "querying in SQL")


def test_a_role_may_do_what_lower_ones_may() -> None:
    with policy(known_people_only), acting_as(ANN):
        assert who() == ANN
        require(Role.VIEWER)
        require(Role.ANALYST)
        with pytest.raises(NotAllowedError):
            require(Role.ADMIN)
    assert who() is None


def test_a_refusal_is_logged_with_the_name(caplog: pytest.LogCaptureFixture) -> None:
    with (
        policy(known_people_only),
        acting_as(EVE),
        caplog.at_level(logging.WARNING),
        pytest.raises(NotAllowedError),
    ):
        require(Role.ADMIN, "training models")
    assert "training models for eve (viewer), which needs the role admin" in caplog.text


def test_work_carries_the_rights_of_who_began_it() -> None:
    with policy(known_people_only), ThreadPoolExecutor(1) as pool:
        with acting_as(ANN):
            assert not pool.submit(allows, Role.VIEWER).result()
            work = carried(allows)
        with acting_as(EVE):
            assert pool.submit(work, Role.ANALYST).result()
            assert not pool.submit(work, Role.ADMIN).result()
            assert not pool.submit(carried(allows), Role.ANALYST).result()
        assert not pool.submit(allows, Role.VIEWER).result(), "nothing stays behind in the thread"


def test_names_of_roles() -> None:
    assert role_named(" Analyst ") is Role.ANALYST
    with pytest.raises(ValueError, match="'root' is no role"):
        role_named("root")
