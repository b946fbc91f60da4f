"""Until when does a portal's bulk work leave the rest of the day's calls to whoever waits, and how is that said?

Polls and resyncs rest then, and nothing is blocked. It is nobody's failure, and yet the likeliest reason why a resync
stands still: so the resync says it, `doctor` does, and a gauge.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text

from syncworker.store.database import Tx

# `kept_words.py` has it, too. To the minute: said again at each turn, it stays the same.
_SAID = "bulk work rests until {until:%Y-%m-%d %H:%M} UTC: what is left of the day's calls is kept for those who wait"
_WAITS = text("""
    UPDATE resyncs SET last_error = :said
     WHERE hub_id = :hub_id AND state = 'running' AND last_error IS DISTINCT FROM :said
""")


def said(now: datetime, rests_s: float) -> str:
    """That it rests for so many seconds from now."""
    return _SAID.format(until=now + timedelta(seconds=rests_s))


def note(tx: Tx, hub_id: int, rests_s: float) -> None:
    """Let the portal's running resync say why it waits; its next page takes that back."""
    tx.connection.execute(_WAITS, {"hub_id": hub_id, "said": said(tx.now, rests_s)})
