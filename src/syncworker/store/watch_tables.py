"""What does the database hold only to be looked at?

Owned by it: heard. Nothing here is a promise: losing it loses a figure.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, PrimaryKeyConstraint, SmallInteger, Table

from syncworker.store.schema import Time, metadata

# How many events webhooks brought of each minute of the last hour: sixty rows a portal, written over as the hour turns.
heard = Table(
    "heard",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("slot", SmallInteger, nullable=False),  # the minute of the hour
    Column("minute", Time, nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("hub_id", "slot"),
)
