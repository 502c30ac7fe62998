"""Typed SQL as tokens that every engine would see alike.

What the parser takes for a comment, an engine might not (nested comments, odd white space). So only the text
of the tokens goes on to the engine, each in its place and blanks between them; and quoted tokens must be
quoted as the engine reads quotes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

from core.sql_guard.problems import StatementError, refused_at

MAX_CHARACTERS = 100_000
MAX_TOKENS = 20_000

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_STRING = re.compile(r"[nN]?'(?:[^']|'')*'")
_NAMES = (re.compile(r'"(?:[^"]|"")*"'), re.compile(r"`(?:[^`]|``)*`"), re.compile(r"\[[^\]]*\]"))
_NAMED_WITH = dict.fromkeys(("mysql", "spark", "databricks"), "`name`")
"""How names are quoted where "name" is a text."""
_ODD_TYPES = frozenset(
    {
        TokenType.HINT,
        TokenType.BLOCK_START,
        TokenType.BLOCK_END,
        TokenType.BYTE_STRING,
        TokenType.RAW_STRING,
        TokenType.HEREDOC_STRING,
        TokenType.UNICODE_STRING,
        TokenType.BIT_STRING,
    }
)
_OUTSIDE = re.compile(r"[^\n]")
_QUOTED = frozenset({TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.IDENTIFIER})


@dataclass(frozen=True)
class Word:
    """A token: its text as typed, its upper-case form with single blanks, and where it begins."""

    raw: str
    upper: str
    start: int
    quoted: bool
    is_string: bool

    @property
    def end(self) -> int:
        """The offset after the token."""
        return self.start + len(self.raw)

    @property
    def name(self) -> str:
        """The lower-case name the token stands for, without quotes."""
        return self.raw[1:-1].lower() if self.quoted else self.raw.lower()


def tokens_of(sql: str, dialect: Dialect) -> list[Token]:
    """The tokens of ``sql``.

    Raises
    ------
    StatementError
        The text is empty or too long, or a quote or comment is not closed.
    """
    if len(sql) > MAX_CHARACTERS:
        raise StatementError(f"The statement is longer than {MAX_CHARACTERS:,} characters.", "Shorten it.")
    if odd := _CONTROL.search(sql):
        raise refused_at(sql, odd.start(), f"The character U+{ord(odd[0]):04X} cannot be used", "Delete it.")
    try:
        tokens = list(dialect.tokenize(sql))
    except TokenError as error:
        raise _unclosed(sql) or StatementError(
            f"The statement cannot be read: {str(error).splitlines()[0]}", "Check quotes and comments."
        ) from None
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise StatementError("There is no statement.", "Type a SELECT.")
    if len(tokens) > MAX_TOKENS:
        raise StatementError(f"The statement has more than {MAX_TOKENS:,} words and signs.", "Shorten it.")
    return tokens


def words_of(sql: str, tokens: Sequence[Token]) -> list[Word]:
    """The tokens with their text as typed."""
    words = []
    for token in tokens:
        raw = sql[token.start : token.end + 1]
        words.append(
            Word(
                raw,
                " ".join(raw.upper().split()),
                token.start,
                token.token_type == TokenType.IDENTIFIER,
                token.token_type in (TokenType.STRING, TokenType.NATIONAL_STRING),
            )
        )
    return words


def text_of(sql: str, words: Sequence[Word]) -> str:
    """``sql`` with everything that is no token blanked out; lines and columns stay as they are."""
    pieces, position = [], 0
    for word in words:
        pieces.append(_blank(sql[position : word.start]))
        pieces.append(word.raw)
        position = word.end
    return "".join(pieces)


def _blank(text: str) -> str:
    return text if text in ("", " ") else _OUTSIDE.sub(" ", text)


def require_plain(sql: str, tokens: Sequence[Token], dialect: str) -> None:
    """Check that every engine reads the tokens as the parser does.

    Raises
    ------
    StatementError
        A quoted text or name, or a sign, could be read in different ways.
    """
    previous = None
    for token in tokens:
        raw = sql[token.start : token.end + 1]
        if token.token_type in _QUOTED:
            patterns = _NAMES if token.token_type == TokenType.IDENTIFIER else (_STRING,)
            plain = any(pattern.fullmatch(raw) for pattern in patterns)
            glued = (
                previous is not None and previous.token_type in _QUOTED and previous.end + 1 == token.start
            )
        else:
            plain, glued = token.token_type not in _ODD_TYPES and not re.search(r"--|/\*", raw), False
        if not plain or glued:
            shown = raw if len(raw) <= 20 else raw[:20] + "…"
            raise refused_at(
                sql,
                token.start,
                f"{shown} is written in a way that engines read differently",
                "Use 'text' for text (a quote in it is doubled), "
                f"{_NAMED_WITH.get(dialect, '"name"')} for names, and no hints.",
            )
        previous = token


def _unclosed(sql: str) -> StatementError | None:
    """The quote or comment that is not closed."""
    names = {"'": "text", '"': "name", "`": "name", "[": "name", "/*": "comment"}
    piece = re.compile(r"--[^\n]*|/\*|['\"`\[]")
    position = 0
    while opened := piece.search(sql, position):
        sign = opened[0]
        if sign.startswith("--"):
            position = opened.end()
            continue
        closing = {"[": "]", "/*": "*/"}.get(sign, sign)
        end = sql.find(closing, opened.end())
        if end < 0:
            return refused_at(
                sql,
                opened.start(),
                f"The {names[sign]} that begins with {sign} is not closed",
                f"Add {closing}",
            )
        position = end + len(closing)
    return None
