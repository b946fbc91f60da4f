"""What does the database hold of what people are told?

Owned by it: notice_switches, notice_webhooks, untold, notice_states, notice_expiries, notices, deliveries. None holds
a field of a person: domains, ids, counts and codes make a notice, and words are made of them when it is sent.
That a delivery is sent is promised by a mark of the kind `notice` with its id.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from syncworker.store import access_tables as access_tables  # what these refer to
from syncworker.store.schema import Time, metadata

# Who wants to be told of what, and how. A row: on.
notice_switches = Table(
    "notice_switches",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("switched_at", Time, nullable=False),
    PrimaryKeyConstraint("user_id", "hub_id", "kind", "channel"),
    CheckConstraint("channel IN ('email', 'webhook', 'task')", name="channel"),
    Index("ix_notice_switches_hub_id", "hub_id"),
)

# Where somebody's notices are posted to. `secret` signs them, and is encrypted with the key of the settings.
notice_webhooks = Table(
    "notice_webhooks",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
)

# What happened that somebody wants to be told of, until it became a notice. Written with what happened.
untold = Table(
    "untold",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("history_id", BigInteger),  # the event
    Column("record_kind", Text),  # or the mark that was parked
    Column("object_id", Text),
    Index("ix_untold_kind", "hub_id", "kind", "id"),
)

# What was last told of a portal: when, and how high it stood then, where a notice is for crossing something.
notice_states = Table(
    "notice_states",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),  # of a notice, or 'look': when causes were last looked for
    Column("level", SmallInteger, nullable=False, server_default="0"),
    Column("at", Time),
    PrimaryKeyConstraint("hub_id", "kind"),
)

# Of which end of which registration was told, and how many days before: each once.
notice_expiries = Table(
    "notice_expiries",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("registration_id", BigInteger, ForeignKey("registrations.id", ondelete="CASCADE"), nullable=False),
    Column("days", Integer, nullable=False),
    Column("expires_on", Date, nullable=False),
    PrimaryKeyConstraint("hub_id", "registration_id"),
)

# What there is to tell; once for each cause.
notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("facts", JSONB, nullable=False),
    UniqueConstraint("hub_id", "kind", "cause"),
    Index("ix_notices_at", "at"),
)

# A notice on its way to somebody, by a channel; `contact_id`: as a task about this contact, for its owner.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("notice_id", BigInteger, ForeignKey("notices.id", ondelete="CASCADE"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("contact_id", Text),
    Column("began_at", Time),  # it may have been sent since, and nobody knows
    Column("sent_at", Time),
    CheckConstraint("(user_id IS NULL) = (contact_id IS NOT NULL)", name="whom"),
    Index(
        "uq_deliveries_once",
        "notice_id",
        "channel",
        text("coalesce(user_id, 0)"),
        text("coalesce(contact_id, '')"),
        unique=True,
    ),
)
