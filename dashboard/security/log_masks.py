"""Log lines without secrets: passwords in addresses, tokens and keys are masked, also in tracebacks."""

import logging
import re

_MASKS = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@"), r"\1:***@"),
    (
        re.compile(
            r"(?i)\b((?:[a-z0-9_-]*(?:password|passwd|pwd|secret|api[_-]?key|secret[_-]?key)|(?:access|refresh|id|"
            r"bokeh|embed|session)?[_-]?token|code_verifier|assertion|sales_session|sales_login)"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s&;,\"'<>]+"
        ),
        r"\1***",
    ),
    (re.compile(r"(?i)([?&]code=)[^\s&\"']+"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), r"\1 ***"),
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?"), "***"),
    (re.compile(r"\bscrypt\$\S+"), "scrypt$***"),
)


def masked(text: str) -> str:
    """``text`` with secrets replaced by ``***``."""
    for pattern, shown in _MASKS:
        text = pattern.sub(shown, text)
    return text


class MaskedFormatter(logging.Formatter):
    """Formats as another formatter does and masks the whole of it, traceback included."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line as it is written."""
        return masked(self._inner.format(record))


def mask_logs() -> None:
    """Mask what every handler of the root logger writes; may be called again after handlers were added."""
    for handler in logging.getLogger().handlers:
        if not isinstance(handler.formatter, MaskedFormatter):
            handler.setFormatter(MaskedFormatter(handler.formatter or logging.Formatter()))
