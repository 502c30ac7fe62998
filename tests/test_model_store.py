"""Models are stored without pickle, versions stay, one of them is active, going back is one call."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.database import open_database
from core.evaluation import evaluate
from core.evaluation import metrics as m
from core.model_store import DatabaseModelStore, FolderModelStore, ModelStore, ModelStoreError
from core.models.card import Decision, ModelCard, decide, fingerprint


def _card(**changes: object) -> ModelCard:
    plain = {
        "task": "churn",
        "horizon_days": 90,
        "as_of_day": 20_000,
        "trained_rows": 4_000,
        "events": 310,
        "rung": 2,
        "badge": "enough data",
        "champion": "mean",
        "metrics": {"AUC": {"value": 0.74, "low": 0.7, "high": 0.78, "standard_error": 0.02}},
        "features": ("recency_days", "orders"),
        "fingerprint": "0123456789abcdef",
    }
    return ModelCard(**(plain | changes))  # type: ignore[arg-type]


PARTS = {
    "settings": {"r": 0.24, "names": ["a", "ü"]},
    "weights": np.arange(12, dtype=np.float64).reshape(3, 4),
    "nothing": np.empty((0, 4)),
    "trees": b"\x00ubj\xff",
}


@pytest.fixture(params=["folder", "database"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModelStore]:
    if request.param == "folder":
        yield FolderModelStore(tmp_path / "models")
        return
    with open_database(f"sqlite:///{tmp_path / 'company.sqlite'}", read_only=False) as database:
        database.write("customers", pl.DataFrame({"customerNumber": [1]}))
        yield DatabaseModelStore(database, tmp_path / "cache")


def test_a_model_comes_back_as_it_was_stored(store: ModelStore) -> None:
    version = store.put("churn", PARTS, _card())
    found = store.read("churn", version)
    assert found["settings"] == PARTS["settings"]
    assert found["trees"] == PARTS["trees"]
    assert np.array_equal(found["weights"], PARTS["weights"])  # type: ignore[arg-type]
    assert found["nothing"].shape == (0, 4)  # type: ignore[union-attr]
    assert isinstance(found["weights"].base, np.memmap)  # type: ignore[union-attr]
    active = store.active("churn")
    assert active is not None
    assert active.version == version
    assert active.card == _card()


def test_the_last_one_is_active_until_an_earlier_one_is_chosen(store: ModelStore) -> None:
    assert store.active("churn") is None
    assert store.versions("churn") == []
    first = store.put("churn", PARTS, _card())
    second = store.put("churn", PARTS, _card(champion="boosted"))
    store.put("spend", PARTS, _card(task="spend"))
    assert [version.version for version in store.versions("churn")] == [second, first]
    assert store.active("churn").card.champion == "boosted"  # type: ignore[union-attr]
    store.activate("churn", first)
    assert store.active("churn").version == first  # type: ignore[union-attr]
    assert [version.active for version in store.versions("churn")] == [False, True]
    assert store.read("churn", second)["settings"] == PARTS["settings"]  # nothing is lost


@pytest.mark.parametrize("version", ["20200101T000000.000000Z-00000000", "../spend", ""])
def test_an_unknown_version_is_refused(store: ModelStore, version: str) -> None:
    store.put("churn", PARTS, _card())
    for use in (store.read, store.activate):
        with pytest.raises(ModelStoreError, match="There is no version"):
            use("churn", version)


def test_objects_that_need_pickle_are_refused(store: ModelStore) -> None:
    with pytest.raises((ValueError, TypeError)):
        store.put("churn", {"objects": np.array([object()])}, _card())
    assert store.versions("churn") == []


def test_a_file_with_a_pickle_in_it_is_not_opened(tmp_path: Path) -> None:
    store = FolderModelStore(tmp_path)
    version = store.put("churn", PARTS, _card())
    np.save(tmp_path / "churn" / version / "parts" / "weights.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        store.read("churn", version)


def test_a_read_only_database_says_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'company.sqlite'}"
    with open_database(url, read_only=False) as database:
        database.write("customers", pl.DataFrame({"customerNumber": [1]}))
    with open_database(url) as database, pytest.raises(ModelStoreError, match="SALES_MODEL_STORE"):
        DatabaseModelStore(database, tmp_path / "cache").put("churn", PARTS, _card())


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelStoreError, match="cannot be stored"):
        FolderModelStore(tmp_path / "models").put("churn", PARTS, _card())


def test_another_server_reads_what_the_database_holds(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'company.sqlite'}"
    with open_database(url, read_only=False) as database:
        version = DatabaseModelStore(database, tmp_path / "one").put("churn", PARTS, _card())
    with open_database(url) as database:
        found = DatabaseModelStore(database, tmp_path / "two").read("churn", version)
    assert found["trees"] == PARTS["trees"]


def test_a_card_is_plain_json() -> None:
    decision = Decision("mean", "mean", "BG/NBD", "AUC", {"value": 0.01}, "mean is better.")
    card = _card(decision=decision)
    assert ModelCard.from_json(card.to_json()) == card
    assert json.loads(card.to_json())["decision"]["champion"] == "mean"


def test_fingerprints_change_with_any_value_and_not_with_the_order() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    assert fingerprint(frame) == fingerprint(frame.reverse())
    assert fingerprint(frame) != fingerprint(frame.with_columns(a=pl.Series([1, 2, 4])))
    assert fingerprint(frame, settings={"h": 90}) != fingerprint(frame, settings={"h": 60})
    assert fingerprint(frame) != fingerprint(pl.concat([frame, frame]))


def test_the_simple_model_stays_unless_the_interval_is_above_zero() -> None:
    random = np.random.default_rng(3)
    chance = random.uniform(0.05, 0.95, 600)
    frame = pl.DataFrame(
        {
            "cutoff_day": np.full(600, 20_000),
            "customer_id": np.arange(600),
            "actual": (random.uniform(size=600) < chance).astype(int),
            "coarse": np.where(chance > 0.5, 0.7, 0.3),
            "fine": chance,
            "nearly": np.clip(chance + random.normal(0, 1e-3, 600), 0, 1),
        }
    )
    found = evaluate(frame, models=["coarse", "fine", "nearly"], baselines=[], metrics={"AUC": m.AUC})
    assert decide(found, simple="coarse", challenger="fine", metric="AUC").champion == "fine"
    stays = decide(found, simple="fine", challenger="nearly", metric="AUC")
    assert stays.champion == "fine"
    assert "not shown to be better" in stays.reason
