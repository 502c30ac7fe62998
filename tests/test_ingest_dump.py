"""MySQL dumps: every way in which a value may be written, and damage told with its line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.database import open_database
from core.errors import IngestError
from core.ingest import ingest
from core.ingest.mysql_dump import MySqlDump

CREATE = """-- MySQL dump
/*!40101 SET NAMES utf8 */;
# a comment; with a semicolon
CREATE TABLE `things` (
  `id` int(11) NOT NULL AUTO_INCREMENT, -- the key
  `name` varchar(50) DEFAULT 'a,(b)' COMMENT 'it''s; a name',
  `price` decimal(10,2) DEFAULT NULL,
  `day` date DEFAULT '0000-00-00',
  `picture` mediumblob,
  `flag` tinyint(1) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `by_name` (`name`(10))
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
"""


def loaded(folder: Path, dump: str, encoding: str = "utf-8") -> list[tuple]:
    (folder / "dump.sql").write_bytes(dump.encode(encoding))
    ingest([folder / "dump.sql"], str(folder / "t.sqlite"))
    with open_database(str(folder / "t.sqlite")) as database:
        return database.query("SELECT id, name, price, day, picture, flag FROM things ORDER BY id").rows()


def test_values_in_all_their_spellings(tmp_path: Path) -> None:
    dump = (
        CREATE
        + r"""
LOCK TABLES `things` WRITE;
INSERT INTO `things` VALUES (1,'O\'Hara',9.50,'2024-01-31',NULL,1),
  (2,'say ''hi''; -- no comment', '10' , "2024-02-01", 0x00FF, true), /* here */
  (3,"a \"b\" \\ c\r\nd",-1.5e2,'0000-00-00',X'4142',0);
insert  into things (name, id) values ('', 4), (NULL, 5);
UNLOCK TABLES;
"""
    )
    found = loaded(tmp_path, dump)
    assert [row[:3] for row in found] == [
        (1, "O'Hara", 9.5),
        (2, "say 'hi'; -- no comment", 10.0),
        (3, 'a "b" \\ c\r\nd', -150.0),
        (4, "", None),
        (5, None, None),
    ]
    assert [str(row[3]) for row in found] == ["2024-01-31", "2024-02-01", "None", "None", "None"]
    assert [row[4] for row in found] == [None, b"\x00\xff", b"AB", None, None]
    assert [row[5] for row in found] == [1, 1, 0, None, None]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_old_servers_wrote_latin_1(tmp_path: Path, encoding: str) -> None:
    found = loaded(tmp_path, CREATE + "INSERT INTO things VALUES (1,'Zoë',1,NULL,NULL,NULL);\n", encoding)
    assert found[0][1] == "Zoë"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("INSERT INTO things VALUES (1,'a',1,NULL,NULL,1),\n(2,'b", "line 15: the dump is cut off"),
        ("INSERT INTO things VALUES (1,'a',1,NULL,NULL,1)", "line 14: the dump is cut off"),
        ("INSERT INTO things VALUES (1,'a',1,NULL,NULL,1),\n;", "line 15: a row in brackets was expected"),
        (
            "INSERT INTO things VALUES (1,'a',\n1,NULL,NULL);",
            "line 14: the row has 5 values, but things takes 6",
        ),
        ("INSERT INTO things VALUES (1,'a'\n'b',1,NULL,NULL,1);", "line 15: a comma or a closing bracket"),
        ("INSERT INTO others VALUES (1);", "line 14: rows for others, a table that is not created"),
        ("INSERT INTO things (id, nam) VALUES (1, 2);", "things has no column nam"),
        ("/* never closed", "line 14: the dump is cut off: a comment"),
        (
            "INSERT INTO things VALUES\n(1,'a',1,NULL,NULL,1),\n(1,'b',1,NULL,NULL,1);",
            "line 16, column id: the key 1",
        ),
        ("INSERT INTO things VALUES\n(1,'a','x',NULL,NULL,1);", "line 15, column price: 'x' is not a number"),
    ],
)
def test_damage_is_told_with_its_line(tmp_path: Path, rest: str, said: str) -> None:
    with pytest.raises(IngestError, match=said):
        loaded(tmp_path, CREATE + rest)
    assert not (tmp_path / "t.sqlite").exists()


def test_a_dump_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="holds no CREATE TABLE"):
        loaded(tmp_path, "SELECT 1;")


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), doubled=st.booleans())
def test_any_text_survives_quoting(
    text: str, doubled: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    written = text.replace("\\", "\\\\").replace("'", "''" if doubled else "\\'").replace("\0", "\\0")
    path = tmp_path_factory.mktemp("dump") / "d.sql"
    path.write_bytes(f"CREATE TABLE t (a text, b int);\nINSERT INTO t VALUES ('{written}', 1);\n".encode())
    (source,) = MySqlDump(path).sources()
    (block,) = source.blocks()
    assert [column.to_list() for column in block.columns] == [[text], ["1"]]


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(1, 10_000))
def test_a_genuine_dump_cut_anywhere_is_never_loaded_in_part(
    cut: int, genuine_dump: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Cut within the last table's rows: an error, or (between statements) complete tables only."""
    folder = tmp_path_factory.mktemp("cut")
    (folder / "d.sql").write_bytes(genuine_dump.read_bytes()[: -cut - 400])
    with pytest.raises(IngestError):
        ingest([folder / "d.sql"], str(folder / "t.sqlite"))
