"""All copied tables put in place at once, with the views that come along."""

import re
from collections.abc import Collection, Mapping, Sequence

from core.database.base import Database
from core.database.changes import HIDDEN, BrokenView, Changes
from core.errors import QueryError, SalesError
from core.mapping import VIEWS, current_mapping, store_mapping
from core.mapping.store import staging_texts
from core.transfer.record import RECORD, Copied

_RENAME_AT_ONCE = ("mysql", "mariadb")
_DIALECTS = {"parquet": "duckdb", "postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}


def install(target: Database, copied: Sequence[Copied], *, drops_mapping: bool) -> list[str]:
    """Put hidden tables in place of those of the same names, all at once; names those that were replaced.

    Parameters
    ----------
    drops_mapping
        Whether the staging views of the target's own mapping go, since another is stored after this.

    Raises
    ------
    DatabaseError
        It cannot be done, or a view of the target would not work any more; nothing is changed then.
    """
    wanted = {one.name.lower(): one for one in copied}
    texts = target.view_texts()
    with target.changing() as changes:
        present = changes.relations()
        old = [name for name, kind in present.items() if kind == "table" and name.lower() in wanted]
        readers = _readers(texts, {name.lower() for name in wanted} | {name.lower() for name in old})
        _drop_views(changes, readers, texts)
        _put(changes, {one.hidden: one.name for one in copied}, old, at_once=target.engine in _RENAME_AT_ONCE)
        if RECORD in present:
            changes.drop_table(RECORD)
        kept = {
            name: text
            for name, text in texts.items()
            if name in readers and not (drops_mapping and name.lower() in VIEWS)
        }
        _create_views(changes, kept)
    return old


def _put(changes: Changes, names: Mapping[str, str], old: Sequence[str], *, at_once: bool) -> None:
    """Drop the ``old`` tables and give the new ones their names.

    ``at_once`` where only a single statement takes effect as a whole: all change their names in it first.
    """
    if not at_once:
        for name in old:
            changes.drop_table(name)
        changes.rename_tables(names)
        return
    aside = {name: f"{RECORD}_old_{number}" for number, name in enumerate(old)}
    changes.rename_tables({**aside, **names})
    for name in aside.values():
        changes.drop_table(name)


def remove_hidden(target: Database, keep: Collection[str] = ()) -> list[str]:
    """Remove the tables that copies left under hidden names, but those to ``keep``; names them."""
    with target.changing() as changes:
        doomed = [
            name
            for name, kind in changes.relations().items()
            if kind == "table" and _is_hidden(name) and name not in keep
        ]
        for name in doomed:
            changes.drop_table(name)
    return doomed


def bring_mapping(source: Database, target: Database) -> tuple[list[str], list[str]]:
    """Store the source's mapping of its own tables on the target: names of its views, and remarks."""
    state = current_mapping(source)
    if state is None or state.mapping is None:
        return [], []
    tables = {table.table for table in state.mapping.tables}
    present = {info.name for info in target.tables() if info.kind == "table"}
    if absent := sorted(tables - present):
        return [], [f"The mapping was not copied, since {', '.join(absent)} is not in the target"]
    try:
        store_mapping(target, state.mapping)
    except SalesError as error:
        return [], [f"The mapping was not copied: {error.message.rstrip('.')}"]
    return sorted(staging_texts(target)), []


def bring_views(source: Database, target: Database) -> tuple[list[str], list[str]]:
    """Make the source's own views on the target, those of a mapping apart: their names, and remarks.

    Their text is put in the target's way of writing; one that does not work there is left out, and said so.
    """
    state = current_mapping(source)
    mapped = VIEWS if state is not None and state.mapping is not None else ()
    present = {info.name.lower() for info in target.tables() if info.kind == "table"}
    present |= {name.lower() for name in target.view_texts()}
    waiting = {
        name: text
        for name, text in source.view_texts().items()
        if name.lower() not in mapped and name.lower() not in present
    }
    made: list[str] = []
    reasons: dict[str, str] = {}
    while waiting:
        failed: dict[str, str] = {}
        for name, text in waiting.items():
            try:
                written = _translated(text, source.engine, target.engine)
                with target.changing() as changes:
                    changes.create_view(name, written)
                made.append(name)
            except SalesError as error:
                failed[name] = text
                reasons[name] = error.message
        if len(failed) == len(waiting):
            break
        waiting = failed  # they may read views that have only now been made
    else:
        return made, []
    return made, [f"The view {name} was not copied: {reasons[name].rstrip('.')}" for name in sorted(waiting)]


def _translated(text: str, source: str, target: str) -> str:
    here, there = (_DIALECTS.get(engine, engine) for engine in (source, target))
    if here == there:
        return text
    import sqlglot  # takes a while, and few databases have views of their own

    try:
        return sqlglot.transpile(text, read=here, write=there, pretty=True)[0]
    except sqlglot.errors.SqlglotError as error:
        raise QueryError(f"its SQL is not understood: {str(error).splitlines()[0]}.") from error


def _is_hidden(name: str) -> bool:
    return re.fullmatch(rf"({HIDDEN})?{RECORD}(_(old_)?\d+)?", name.lower()) is not None


def _readers(texts: Mapping[str, str], tables: set[str]) -> set[str]:
    """The views that read any of ``tables``, be it by way of other views."""
    words = {name: set(re.findall(r"\w+", text.lower())) for name, text in texts.items()}
    found: set[str] = set()
    named = set(tables)
    while more := {name for name in texts if name not in found and _names(texts[name], words[name], named)}:
        found |= more
        named |= {name.lower() for name in more}
    return found


def _names(text: str, words: set[str], tables: set[str]) -> bool:
    lowered = text.lower()
    return any(table in words or (not table.isidentifier() and table in lowered) for table in tables)


def _drop_views(changes: Changes, views: Collection[str], texts: Mapping[str, str]) -> None:
    """Drop views, those that read others first."""
    order: list[str] = []
    waiting = sorted(views)
    while waiting:
        last = [
            view
            for view in waiting
            if not any(
                other != view and re.search(rf"(?<!\w){re.escape(view)}(?!\w)", texts[other], re.I)
                for other in waiting
            )
        ] or waiting[:1]
        order += last
        waiting = [view for view in waiting if view not in last]
    for view in order:
        changes.drop_view(view)


def _create_views(changes: Changes, texts: Mapping[str, str]) -> None:
    """Make views again, those that are read by others first."""
    waiting = dict(texts)
    while waiting:
        first = {
            view: text
            for view, text in waiting.items()
            if not any(
                other != view and re.search(rf"(?<!\w){re.escape(other)}(?!\w)", text, re.I)
                for other in waiting
            )
        } or dict([next(iter(waiting.items()))])
        for view, text in first.items():
            try:
                changes.create_view(view, text)
            except BrokenView as error:
                raise BrokenView(
                    view, f"it does not fit the new tables ({error.message.rstrip('.')})"
                ) from error
            del waiting[view]
