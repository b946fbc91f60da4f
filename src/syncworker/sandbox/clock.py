"""What time is it, and how does HubSpot write it?"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

DAY_MS = 86_400_000


def now_ms() -> int:
    """Milliseconds since the epoch: HubSpot's unit everywhere."""
    return time.time_ns() // 1_000_000


def iso(ms: int) -> str:
    """A time as HubSpot writes it in properties and records: ISO 8601, UTC, milliseconds, `Z`."""
    seconds, millis = divmod(ms, 1000)
    t = time.gmtime(seconds)
    day = f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}"
    return f"{day}T{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}.{millis:03d}Z"


def parse_ms(text: str) -> int | None:
    """A time given as epoch milliseconds, as a date or as ISO 8601; None where it is none of these."""
    if text.lstrip("-").isdigit():
        value = int(text)
        return value if abs(value) < 10**15 else None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
