"""How does a process log? One event a line on standard error: JSON for machines, readable in a terminal.

Both our own events and what libraries log through the standard library come out the same way. Nothing here
looks for secrets: whoever logs hands over ids and reasons, never bodies or tokens. What errors of others quote of
persons is taken out.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

from syncworker.redaction import without_persons

Level = Literal["debug", "info", "warning", "error"]

# They tell of each connection, each message and each revision at INFO; their warnings are of use.
_TALKATIVE = ("alembic", "dramatiq", "httpx", "periodiq", "urllib3")


class ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment; ours, so that configuring again finds it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self.stream = sys.stderr
        super().emit(record)


def _without_persons(_logger: object, _method: str, event: Any) -> Any:
    """The line, or its values, without what others quote of persons."""
    if isinstance(event, str):
        return without_persons(event)
    return {name: without_persons(value) if isinstance(value, str) else value for name, value in event.items()}


def configure(*, level: Level = "info", without: Collection[str] = ()) -> None:
    """Set up logging for this process, from `level` on, but for the loggers `without`.

    Calling it again replaces what was.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    in_terminal = sys.stderr.isatty()
    rendering: list[Processor] = (
        # Without the values of variables, which may be tokens.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback), _without_persons]
        if in_terminal
        else [structlog.processors.format_exc_info, _without_persons, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A logger that was used before keeps no old configuration.
        cache_logger_on_first_use=False,
    )
    handler = ToStandardError(sys.stderr)
    handler.addFilter(lambda record: record.name not in without)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        # Dramatiq and periodiq set up a handler of their own first: each line would come twice, one of them not JSON.
        if isinstance(old, ToStandardError) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    number = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(number)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
