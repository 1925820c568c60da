"""What a node writes to standard error: one event a line, a short fixed text with its facts as keys and values.

    log.info("api listening", extra={"url": url})

    2026-11-21T10:26:24.310Z info    api listening url=http://127.0.0.1:1317
    {"time": "2026-11-21T10:26:24.310Z", "level": "info", "logger": "node.…", "event": "api listening", "url": "…"}

Facts are never secrets: keys print as addresses, endpoints as labels.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO, Literal

OWN_LOGGERS = ("bridge", "config", "contracts", "node")
FACT_CHARACTERS_MAX = 2_000
"""Of one fact: an error that quotes a whole answer must not flood the log."""
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime"}

LogFormat = Literal["text", "json"]


def configure_logging(level: str, log_format: LogFormat, stream: IO[str] | None = None) -> None:
    """Send the events of our own packages from `level` on, and of libraries from warnings on, to standard error."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(level.upper())


class TextFormatter(logging.Formatter):
    """For people: time, level, event, facts; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        facts = "".join(f" {name}={_readable(value)}" for name, value in _facts(record).items())
        line = f"{_time(record)} {record.levelname.lower():<7} {record.getMessage()}{facts}"
        return line if not record.exc_info else f"{line}\n{self.formatException(record.exc_info)}"


class JsonFormatter(logging.Formatter):
    """For programs: one JSON object a line, a traceback as the key `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _facts(record: logging.LogRecord) -> dict[str, str | int | float | bool | None]:
    return {name: _plain(value) for name, value in vars(record).items() if name not in _STANDARD}


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:FACT_CHARACTERS_MAX]


def _readable(value: str | float | bool | None) -> str:
    """As it is if it is one word, else quoted, so that a line stays one line."""
    text = str(value)
    is_word = bool(text) and text.isprintable() and not any(mark in text for mark in ' "=')
    return text if is_word or not isinstance(value, str) else json.dumps(text, ensure_ascii=not text.isprintable())


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
