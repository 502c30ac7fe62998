"""The check of SQL that a person typed: one SELECT, made of parts and functions that only read."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from threading import Thread

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError
from sqlglot.tokens import Token

from core.sql_guard.functions import TYPE_NAMES, allowed_functions, names_in, reason_against
from core.sql_guard.problems import StatementError, refused_at
from core.sql_guard.reasons import ONE_SELECT, OPENINGS, TSQL_STATEMENT_REASON, TSQL_STATEMENT_WORDS
from core.sql_guard.tokens import Word, require_plain, text_of, tokens_of, words_of
from core.sql_guard.tree import check_tree

_OPENING = frozenset({"SELECT", "WITH", "VALUES", "("})
_BEFORE_BRACKET = names_in(
    """SELECT FROM WHERE AND OR NOT IN EXISTS AS ON USING VALUES OVER HAVING UNION ALL EXCEPT INTERSECT
    DISTINCT CASE WHEN THEN ELSE BETWEEN LIKE ILIKE GLOB JOIN LIMIT OFFSET FILTER MATERIALIZED ANY SOME TOP
    ROLLUP CUBE LATERAL EXCLUDE ESCAPE QUALIFY BY APPLY SETS GROUP IS RECURSIVE REGEXP MATCH INTERVAL DESC
    ASC"""
)
_LAST_WORD_COUNTS = ("GROUP BY", "ORDER BY", "PARTITION BY", "GROUPING SETS", "UNION ALL", "WITHIN GROUP")
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it would log what people type

_METHODS = ("sqlite", "duckdb")
"""Dialects without functions in schemas; DuckDB writes x.upper() for upper(x)."""
_UNUSUAL_DEPTH = "The statement is nested too deeply"


@dataclass(frozen=True)
class CheckedStatement:
    """A statement that only reads.

    ``text`` is as typed; ``sql`` is what may be given to the engine: the same words in the same places,
    without comments and closing semicolon. ``parameters`` are the names of its ``:name`` parameters in order;
    ``tables`` the tables and views it reads, as written; ``schemas`` the schemas of a server that it names,
    with where: the connection knows which one is its own, and has to see to it that there is no other.
    """

    text: str
    sql: str
    dialect: str
    parameters: tuple[str, ...]
    tables: tuple[str, ...]
    schemas: tuple[tuple[str, int], ...] = ()


@lru_cache(maxsize=256)
def check_statement(sql: str, dialect: str) -> CheckedStatement:
    """``sql`` as a statement that only reads.

    Parameters
    ----------
    sql
        What a person typed: one SELECT, WITH … SELECT or VALUES, with comments and closing semicolon if
        wanted.
    dialect
        The engine's SQL as sqlglot calls it: ``sqlite``, ``duckdb``, ``tsql``, ``postgres``, ``spark``, …

    Raises
    ------
    StatementError
        It is more than one statement, or does or may do anything but read the tables of the database, or
        cannot be understood. The message names the reason, and line and column where they are known.
    """
    known = Dialect.get_or_raise(dialect)
    words = words_of(sql, tokens_of(sql, known))
    _check_opening(sql, words)
    plain = text_of(sql, words)  # checked again as the engine will see it
    tokens = tokens_of(plain, known)
    words = words_of(plain, tokens)
    require_plain(plain, tokens, dialect)
    _check_words(sql, words, dialect)
    suspects = _functions_not_allowed(words, dialect)
    for word in suspects:
        if reason_against(word.name):
            raise _function_refused(sql, word, dialect)
    tree = _parsed(plain, tokens, known)
    facts = check_tree(sql, tree, words, dialect)
    for word in suspects:
        if word.start not in facts.alias_offsets:
            raise _function_refused(sql, word, dialect)
    if dialect == "duckdb":
        plain = text_of(plain, _with_dollars(words, frozenset(facts.parameters)))
    return CheckedStatement(sql, plain, dialect, facts.parameters, facts.tables, facts.schemas)


def _with_dollars(words: Sequence[Word], parameters: frozenset[str]) -> list[Word]:
    """The words with parameters written as DuckDB wants them: ``$name``."""
    result = list(words)
    for i, (word, after) in enumerate(pairwise(words)):
        slices = i > 0 and (words[i - 1].quoted or words[i - 1].is_string or words[i - 1].raw[-1:] in "[])")
        if word.raw == ":" and after.raw in parameters and after.start == word.end and not slices:
            result[i] = replace(word, raw="$")
    return result


def _check_opening(sql: str, words: Sequence[Word]) -> None:
    first = words[0]
    if first.upper not in _OPENING:
        opening = first.upper.split(" ")[0]
        reason, remedy = OPENINGS.get(opening, ("cannot begin a statement here", ONE_SELECT))
        shown = opening if len(opening) <= 30 else opening[:30] + "…"
        raise refused_at(sql, first.start, f"{shown} {reason}", remedy)
    second = next((i for i, word in enumerate(words) if word.raw == ";"), None)
    if second is not None:
        place = next((word.start for word in words[second:] if word.raw != ";"), words[second].start)
        raise refused_at(
            sql, place, "There is more than one statement; the second begins here", "Run one at a time."
        )


def _check_words(sql: str, words: Sequence[Word], dialect: str) -> None:
    for i, word in enumerate(words):
        if dialect == "mysql" and word.is_string and "\\" in word.raw:
            raise refused_at(
                sql, word.start, "A text with \\ in it is read differently by each server", "Use CHAR(92)."
            )
        if word.quoted or word.is_string:
            continue
        if dialect == "tsql" and word.upper.split(" ")[0] in TSQL_STATEMENT_WORDS:
            raise refused_at(sql, word.start, TSQL_STATEMENT_REASON.format(word=word.upper), ONE_SELECT)
        after = words[i + 1] if i + 1 < len(words) else None
        if word.raw == "." and after is not None:
            _check_after_dot(sql, words, i, dialect)
        if word.upper in ("FROM", "JOIN", "TABLE") and after is not None and after.is_string:
            raise refused_at(
                sql,
                after.start,
                f"{after.raw} is a file, and files cannot be read here",
                "Load it first: the Data page, or sales-dashboard ingest FILE",
            )


def _check_after_dot(sql: str, words: Sequence[Word], dot: int, dialect: str) -> None:
    """Refuse what parser and server may read differently, and functions that somebody keeps in a schema."""
    after = words[dot + 1]
    if after.raw == ".":
        raise refused_at(
            sql, words[dot].start, "A name is missing between dots", "Name the table without a database."
        )
    called = dot + 2 < len(words) and words[dot + 2].raw == "("
    if called and dialect not in _METHODS:
        raise refused_at(
            sql,
            after.start,
            f"The function {after.name} is called from a schema",
            "Call it by its name alone.",
        )


def _functions_not_allowed(words: Sequence[Word], dialect: str) -> list[Word]:
    """The words before an opening bracket that are neither syntax nor functions that may be called."""
    allowed = allowed_functions(dialect)
    found = []
    for word, after in pairwise(words):
        if after.raw != "(" or not (
            word.quoted or word.is_string or word.raw[0].isalpha() or word.raw[0] == "_"
        ):
            continue
        if not word.quoted and not word.is_string:
            last = word.upper.rsplit(" ", 1)[-1]
            syntax = (word.upper in _BEFORE_BRACKET and (word.upper != "GLOB" or dialect == "sqlite")) or (
                " " in word.upper and (word.upper in _LAST_WORD_COUNTS or last in _BEFORE_BRACKET)
            )
            if syntax or word.name in TYPE_NAMES:
                continue
        if word.name not in allowed:
            found.append(word)
    return found


def _function_refused(sql: str, word: Word, dialect: str) -> StatementError:
    reason = reason_against(word.name)
    if reason:
        return refused_at(sql, word.start, f"The function {word.name} {reason}", "Leave it out.")
    nearest = get_close_matches(word.name, sorted(allowed_functions(dialect)), n=3)
    remedy = f"Nearest functions: {', '.join(nearest)}." if nearest else "Leave it out."
    return refused_at(sql, word.start, f"There is no function {word.name} that can be used here", remedy)


def _parsed(sql: str, tokens: list[Token], dialect: Dialect) -> exp.Expr:
    try:
        trees = _parse(sql, tokens, dialect)
    except ParseError as error:
        raise _not_understood(sql, tokens, error) from None
    if len(trees) != 1 or trees[0] is None:
        raise refused_at(sql, tokens[0].start, "There is more than one statement", "Run one at a time.")
    return trees[0]


def _parse(sql: str, tokens: list[Token], dialect: Dialect) -> list[exp.Expr | None]:
    """The trees; a caller with many open calls gets as much depth as any other, on a stack of its own."""
    try:
        return dialect.parser().parse(tokens, sql)
    except RecursionError:
        pass
    result: list[list[exp.Expr | None]] = []
    problems: list[Exception] = []

    def parse() -> None:
        try:
            result.append(dialect.parser().parse(tokens, sql))
        except (ParseError, RecursionError) as error:
            problems.append(error)

    thread = Thread(target=parse, name="sql-check")
    thread.start()
    thread.join()
    if result:
        return result[0]
    if problems and isinstance(problems[0], ParseError):
        raise problems[0]
    raise StatementError(_UNUSUAL_DEPTH, "Take parts of it into WITH.")


def _not_understood(sql: str, tokens: Sequence[Token], error: ParseError) -> StatementError:
    first = error.errors[0] if error.errors else {}
    at = next((t for t in tokens if (t.line, t.col) == (first.get("line"), first.get("col"))), None)
    if at is None:
        return StatementError("The statement is not understood.", "Check it against the examples.")
    shown = sql[at.start : at.end + 1]
    shown = shown if len(shown) <= 30 else shown[:30] + "…"
    if "number of provided arguments" in str(first.get("description")):
        return refused_at(
            sql, at.start, "The function that ends here has too many arguments", "Leave some out."
        )
    if at is tokens[-1]:
        return refused_at(
            sql, at.start, f"The statement is not complete, or {shown} does not fit", "Check its end."
        )
    return refused_at(sql, at.start, f"{shown} does not fit here", "Check the words before it.")
