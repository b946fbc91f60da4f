"""What does the database hold for a portal's write-backs, or expiry, to stop by themselves?

Owned by it: brakes, downgrades, clock_skew.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from syncworker.store.schema import Time, metadata

# How far a portal's brake is from stopping its write-backs. Its row is locked by whoever counts.
brakes = Table(
    "brakes",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), primary_key=True),
    Column("known", BigInteger, nullable=False, server_default="0"),  # statuses that the CRM shows, as last counted
    Column("counted_at", Time),
    Column("released_until", Time),  # a person lets it write until then
)

# Records whose status was cleared or downgraded, or was about to be, within the last hour.
downgrades = Table(
    "downgrades",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("at", Time, nullable=False),
    PrimaryKeyConstraint("hub_id", "kind", "object_id"),
    Index("ix_downgrades_at", "hub_id", "at"),
)

# One row: how far HubSpot's clock and the database's were apart when last looked at.
clock_skew = Table(
    "clock_skew",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("seconds", Float, nullable=False),  # HubSpot's less the database's
    Column("observed_at", Time, nullable=False),
    Column("apart_since", Time),
    CheckConstraint("one", name="one_row"),
)
