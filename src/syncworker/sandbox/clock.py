"""What time is it, and how does HubSpot write it?"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

DAY_MS = 86_400_000
LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""


_moved_ms = 0


def now_ms() -> int:
    """Milliseconds since the epoch: HubSpot's unit everywhere."""
    return time.time_ns() // 1_000_000 + _moved_ms


def move(ms: int) -> None:
    """Let it be later than it is by as much: an hour's lag can then be seen in no time."""
    global _moved_ms  # one process is one sandbox, and has one clock
    _moved_ms = ms


def iso(ms: int) -> str:
    """A time as HubSpot writes it in properties and records: ISO 8601, UTC, milliseconds, `Z`."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def parse_ms(text: str) -> int | None:
    """A time given as epoch milliseconds, as a date or as ISO 8601; None where it is none of these."""
    if text.isascii() and text.isdigit() and len(text) < 16:
        value = int(text)
        return value if 0 <= value <= LAST_MS else None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ms = round(moment.timestamp() * 1000)
    return ms if 0 <= ms <= LAST_MS else None
