"""Log lines for people (text) or for a log store (JSON, one object a line), with the id of the request."""

import datetime as dt
import json
import logging

from core.settings import Settings
from dashboard.observability.request_ids import current_request_id

_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = ("bokeh", "tornado", "panel", "watchfiles", "azure", "msal")


class JsonFormatter(logging.Formatter):
    """One JSON object a line.

    Keys: time (UTC, ISO 8601), level, logger, message, request_id and person where known, error (traceback)
    and whatever the line was logged with as ``extra``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line as it is written."""
        from core.roles import acting

        person = acting()
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": current_request_id() or None,
            "person": person.name if person is not None else None,
            "error": self.formatException(record.exc_info) if record.exc_info else None,
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        return json.dumps({k: v for k, v in line.items() if v is not None}, default=str, ensure_ascii=False)


class _WithRequest(logging.Formatter):
    """Text lines that end with the id of the request where a warning or worse belongs to one."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        request_id = current_request_id()
        if not request_id or record.levelno < logging.WARNING:
            return line
        first, newline, rest = line.partition("\n")
        return f"{first} (request {request_id}){newline}{rest}"


def configure_logs(settings: Settings) -> None:
    """Write logs as the settings say, with secrets masked."""
    from dashboard.security.log_masks import mask_logs

    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else _WithRequest(_TEXT))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if settings.log_format == "text" and settings.log_level != "DEBUG":
        logging.getLogger("dashboard.requests").setLevel(logging.WARNING)
    mask_logs()
