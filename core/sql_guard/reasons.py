"""Why a statement is refused: sentences for the words that statements begin with and the parts they have."""

from sqlglot import exp

from core.sql_guard.functions import names_in

ONE_SELECT = "Type one SELECT (or WITH … SELECT, or VALUES)."
_LOAD = "Data are changed only by loading files: the Data page, or sales-dashboard ingest."

_KINDS: tuple[tuple[str, str, str], ...] = (
    ("INSERT UPDATE DELETE REPLACE MERGE TRUNCATE UPSERT BULK", "changes data", _LOAD),
    ("CREATE DROP ALTER COMMENT RENAME REINDEX", "changes the tables of the database", _LOAD),
    ("ATTACH DETACH", "opens other database files", "Load what they hold: sales-dashboard ingest FILE"),
    ("COPY EXPORT IMPORT UNLOAD", "reads or writes files", "Results are downloaded with the export buttons."),
    ("INSTALL LOAD UPDATE EXTENSIONS", "adds code to the engine", ONE_SELECT),
    ("EXEC EXECUTE CALL PREPARE DEALLOCATE DO DECLARE", "runs procedures or prepared text", ONE_SELECT),
    (
        "PRAGMA SET RESET USE CHECKPOINT VACUUM ANALYZE DBCC RECONFIGURE KILL SHUTDOWN BACKUP RESTORE",
        "changes or shows the state of the engine",
        ONE_SELECT,
    ),
    ("GRANT REVOKE DENY", "changes permissions", ONE_SELECT),
    (
        "BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE END ABORT",
        "is about transactions, which reading does not need",
        ONE_SELECT,
    ),
    ("EXPLAIN", "is done by the plan button", "Leave it out: the plan of a SELECT is shown beside it."),
    (
        "DESCRIBE DESC SHOW SUMMARIZE",
        "is no SELECT",
        "Tables and columns are listed in the schema browser.",
    ),
    ("FROM TABLE PIVOT UNPIVOT", "cannot begin a statement here", "Begin with SELECT."),
)

OPENINGS: dict[str, tuple[str, str]] = {
    word: (reason, remedy) for words, reason, remedy in reversed(_KINDS) for word in words.split()
}
"""For each first word that is refused: what is wrong with it, and a remedy."""

PARTS: dict[type[exp.Expr], tuple[str, str, str]] = {
    exp.Insert: ("INSERT", "INSERT changes data", _LOAD),
    exp.Update: ("UPDATE", "UPDATE changes data", _LOAD),
    exp.Delete: ("DELETE", "DELETE changes data", _LOAD),
    exp.Merge: ("MERGE", "MERGE changes data", _LOAD),
    exp.Into: ("INTO", "SELECT … INTO writes a table", "Leave out INTO."),
    exp.Lock: ("FOR", "FOR UPDATE and FOR SHARE lock rows", "Leave it out."),
    exp.NextValueFor: ("NEXT", "NEXT VALUE FOR changes a sequence", ONE_SELECT),
    exp.Describe: ("DESCRIBE", "DESCRIBE is no SELECT", "See the schema browser for columns."),
    exp.Pivot: ("PIVOT", "PIVOT cannot be used", "Use SUM(CASE WHEN … THEN … END)."),
    exp.WithTableHint: ("WITH", "Table hints cannot be used", "Leave them out."),
    exp.ForClause: ("FOR", "FOR XML and FOR JSON cannot be used", "Results can be exported as JSON."),
    exp.HistoricalData: ("AT", "Older versions of a table cannot be read", "Leave out AT."),
    exp.Parameter: ("@", "Variables such as @name or $1 cannot be used", "Write parameters as :name."),
    exp.Returning: ("RETURNING", "RETURNING belongs to statements that change data", ONE_SELECT),
}
"""For parts of a statement that are refused: the word they begin with, what is wrong, a remedy."""

TSQL_STATEMENT_WORDS = names_in(
    """ALTER BACKUP BEGIN BREAK BULK CHECKPOINT CLOSE COMMIT CONTINUE CREATE DBCC DEALLOCATE DECLARE DELETE
    DENY DISABLE DROP DUMP ENABLE EXEC EXECUTE GO GOTO GRANT IF INSERT INTO KILL LOAD MERGE OPEN OPTION PRINT
    RAISERROR READTEXT RECEIVE RECONFIGURE RESTORE RETURN REVERT REVOKE ROLLBACK SAVE SEND SET SHUTDOWN THROW
    TRUNCATE TRAN TRANSACTION UPDATE UPDATETEXT USE WAITFOR WHILE WRITETEXT"""
)
"""Words that begin a statement in T-SQL, where statements need no semicolon between them."""

TSQL_STATEMENT_REASON = "In T-SQL {word} begins a statement of its own"
