"""The generator of companies: the files it writes, whatever the company."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.errors import GenerateError
from core.generate import TABLES, company, generate_company
from core.generate.names import company_names
from core.generate.words import LANGUAGES

KEYS = {
    "customers": ["customerNumber"],
    "employees": ["employeeNumber"],
    "offices": ["officeCode"],
    "orderdetails": ["orderNumber", "productCode"],
    "orders": ["orderNumber"],
    "payments": ["customerNumber", "checkNumber"],
    "productlines": ["productLine"],
    "products": ["productCode"],
}
REFERENCES = [
    ("orders", "customerNumber", "customers", "customerNumber"),
    ("orderdetails", "orderNumber", "orders", "orderNumber"),
    ("orderdetails", "productCode", "products", "productCode"),
    ("payments", "customerNumber", "customers", "customerNumber"),
    ("products", "productLine", "productlines", "productLine"),
    ("customers", "salesRepEmployeeNumber", "employees", "employeeNumber"),
    ("employees", "reportsTo", "employees", "employeeNumber"),
    ("employees", "officeCode", "offices", "officeCode"),
]


def read(folder: Path, table: str) -> pl.DataFrame:
    """A table as text, so that what is compared is what is in the file."""
    return pl.read_csv(folder / f"{table}.csv", infer_schema=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company of 150 customers."""
    out = tmp_path_factory.mktemp("company") / "small"
    generate_company(out, customers=150, years=2, seed=7)
    return out


def test_same_seed_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    generate_company(tmp_path / "again", customers=150, years=2, seed=7)
    assert contents(tmp_path / "again") == contents(small)
    assert contents(tmp_path / "again-truth") == contents(small.with_name("small-truth"))


def test_another_seed_gives_another_company(small: Path, tmp_path: Path) -> None:
    generate_company(tmp_path / "other", customers=150, years=2, seed=8)
    for table in ("customers", "orders", "orderdetails", "payments", "products", "employees"):
        assert (tmp_path / "other" / f"{table}.csv").read_bytes() != (small / f"{table}.csv").read_bytes()


def test_customers_stay_the_same_when_the_company_grows(small: Path, tmp_path: Path) -> None:
    generate_company(tmp_path / "large", customers=600, years=2, seed=7)
    last = max(read(small, "customers")["customerNumber"].cast(pl.Int64))
    for table in TABLES:
        few, many = read(small, table), read(tmp_path / "large", table)
        if "orderNumber" in few.columns:
            many = many.filter(pl.col("orderNumber").cast(pl.Int64) // 1000 <= last)
        elif "customerNumber" in few.columns:
            many = many.filter(pl.col("customerNumber").cast(pl.Int64) <= last)
        assert few.equals(many), table


def test_nothing_depends_on_the_size_of_a_block(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "BLOCK", 7)
    generate_company(tmp_path / "blocks", customers=150, years=2, seed=7)
    assert contents(tmp_path / "blocks") == contents(small)


def test_memory_is_bounded_by_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heights: list[int] = []
    append = company.CsvFolder.append

    def record(folder: company.CsvFolder, name: str, frame: pl.DataFrame) -> None:
        if name == "customers":
            heights.append(frame.height)
        append(folder, name, frame)

    done: list[tuple[int, int]] = []
    monkeypatch.setattr(company, "BLOCK", 40)
    monkeypatch.setattr(company.CsvFolder, "append", record)
    generate_company(tmp_path / "c", customers=100, progress=lambda *step: done.append(step))
    # The customers table and the truth about customers, each in blocks of 40, 40 and 20.
    assert heights == [40, 40, 40, 40, 20, 20]
    assert done == [(40, 100), (80, 100), (100, 100)]


def test_result_describes_the_files(tmp_path: Path) -> None:
    made = generate_company(tmp_path / "c", customers=60, years=1, start=date(2024, 2, 29))
    assert set(made.paths) == set(TABLES)
    for table, path in made.paths.items():
        assert made.rows[table] == read(made.folder, table).height
        assert path == made.folder / f"{table}.csv"
    dates = read(made.folder, "orders")["orderDate"]
    assert (str(made.first_order), str(made.last_order)) == (dates.min(), dates.max())
    assert date(2024, 2, 29) <= made.first_order
    assert made.last_order <= date(2025, 2, 28)


@pytest.fixture(scope="module")
def idle_seed(tmp_path_factory: pytest.TempPathFactory) -> int:
    """A seed whose first customer never orders."""
    folder = tmp_path_factory.mktemp("idle")
    return next(
        seed
        for seed in range(100)
        if generate_company(folder / str(seed), customers=1, seed=seed).rows["orders"] == 0
    )


def test_a_company_may_have_no_orders(tmp_path: Path, idle_seed: int) -> None:
    made = generate_company(tmp_path / "c", customers=1, seed=idle_seed)
    assert (made.first_order, made.last_order) == (None, None)
    assert read(made.folder, "customers").height == 1
    for table in ("orders", "orderdetails", "payments"):
        assert made.paths[table].read_text(encoding="utf-8").count("\n") == 1


def test_header_is_written_once_when_the_first_block_has_no_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idle_seed: int
) -> None:
    monkeypatch.setattr(company, "BLOCK", 1)
    made = generate_company(tmp_path / "c", customers=20, seed=idle_seed)
    for path in made.paths.values():
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) > 2
        assert lines.count(lines[0]) == 1, path.name


@pytest.mark.parametrize(("table", "key"), KEYS.items())
def test_keys_are_unique(small: Path, table: str, key: list[str]) -> None:
    frame = read(small, table)
    assert not frame.select(key).is_duplicated().any()
    assert frame.select(pl.col(key).is_null().any()).row(0) == (False,) * len(key)


@pytest.mark.parametrize(("child", "column", "parent", "key"), REFERENCES)
def test_no_orphans(small: Path, child: str, column: str, parent: str, key: str) -> None:
    values = read(small, child)[column].drop_nulls()
    assert len(values) > 0
    assert values.is_in(read(small, parent)[key].implode()).all()


def test_columns_are_those_of_classic_models(small: Path, genuine_sqlite: Path) -> None:
    with closing(sqlite3.connect(f"file:{genuine_sqlite}?mode=ro&immutable=1", uri=True)) as genuine:
        for table in TABLES:
            theirs = [row[1] for row in genuine.execute(f"PRAGMA table_info({table})")]
            # Pictures and web pages of the product lines are left out.
            expected = [column for column in theirs if column not in ("htmlDescription", "image")]
            assert read(small, table).columns == expected


def test_names_are_not_those_of_classic_models(small: Path, genuine_sqlite: Path) -> None:
    with closing(sqlite3.connect(f"file:{genuine_sqlite}?mode=ro&immutable=1", uri=True)) as genuine:
        for table, column in (
            ("customers", "customerName"),
            ("products", "productName"),
            ("products", "productVendor"),
            ("products", "productDescription"),
            ("productlines", "textDescription"),
            ("employees", "lastName"),
        ):
            theirs = {row[0] for row in genuine.execute(f"SELECT {column} FROM {table}")}
            assert theirs.isdisjoint(read(small, table)[column]), column


def test_text_of_the_files(small: Path) -> None:
    for path in small.iterdir():
        text = path.read_bytes().decode("utf-8")
        assert "\r" not in text
        assert text.endswith("\n")
    for table, column in (
        ("orderdetails", "priceEach"),
        ("payments", "amount"),
        ("customers", "creditLimit"),
        ("products", "buyPrice"),
        ("products", "MSRP"),
    ):
        assert read(small, table)[column].str.contains(r"^\d+\.\d\d$").all(), column
    for column in ("orderDate", "requiredDate", "shippedDate"):
        assert read(small, "orders")[column].drop_nulls().str.contains(r"^\d{4}-\d\d-\d\d$").all()


def test_names_are_unique_whatever_the_size() -> None:
    names = [
        name for language in LANGUAGES for name in company_names(1, np.arange(30_000), [language] * 30_000)
    ]
    assert len(set(names)) == len(names)


def test_names_exercise_escaping(small: Path) -> None:
    names = read(small, "customers")["customerName"]
    for mark in ("'", "&"):
        assert names.str.contains(mark, literal=True).any()
    assert any(not name.isascii() for name in names)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"customers": 0}, "customers"), ({"years": 0}, "years"), ({"seed": -1}, "seed")],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, int], says: str) -> None:
    with pytest.raises(GenerateError, match=says) as caught:
        generate_company(tmp_path / "c", **arguments)
    assert f"--{says}" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["c", "c-truth"])
def test_folders_with_other_files_are_left_alone(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "letters.txt").write_text("mine")
    with pytest.raises(GenerateError, match=r"letters\.txt") as caught:
        generate_company(tmp_path / "c", customers=5)
    assert caught.value.remedy
    assert [path.name for path in tmp_path.rglob("*")] == [folder, "letters.txt"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("mine")
    with pytest.raises(GenerateError, match="not a folder"):
        generate_company(tmp_path / "c", customers=5)


def test_a_second_run_replaces_the_first_only_when_told(tmp_path: Path) -> None:
    generate_company(tmp_path / "c", customers=50)
    with pytest.raises(GenerateError, match="holds tables already") as caught:
        generate_company(tmp_path / "c", customers=5)
    assert "--overwrite" in caught.value.remedy
    assert read(tmp_path / "c", "customers").height == 50
    generate_company(tmp_path / "c", customers=5, overwrite=True)
    assert read(tmp_path / "c", "customers").height == 5


def test_a_failure_changes_nothing(tmp_path: Path) -> None:
    generate_company(tmp_path / "c", customers=5)
    before = contents(tmp_path / "c")

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_company(tmp_path / "c", customers=9, progress=stop, overwrite=True)
    assert contents(tmp_path / "c") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "c-truth"]
