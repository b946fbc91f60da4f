"""What does the database hold of those who may come in?

Owned by it: users, user_portals, sessions, sign_in_links, sign_in_attempts. Of a session, a link and an attempt it
keeps keyed or one-way hashes: whoever reads this database can sign in as nobody.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from syncworker.store.schema import Time, metadata

# Who may sign in, and as what. `email` is in lower case.
users = Table(
    "users",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),  # null: signs in by links alone
    Column("every_portal", Boolean, nullable=False, server_default=text("true")),  # else those of user_portals
    Column("language", Text),  # as last chosen, for what is sent to them
    Column("added_by", Text, nullable=False),
    Column("added_at", Time, nullable=False),
    Column("signed_in_at", Time),
    CheckConstraint("role IN ('viewer', 'manager', 'operator')", name="role"),
)

# Which portals somebody sees who does not see all. None left is none seen, and never all of them.
user_portals = Table(
    "user_portals",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("user_id", "hub_id"),
)

# A browser that is signed in. The row's end is the session's, whatever cookie is left.
sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("began_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Index("ix_sessions_expires_at", "expires_at"),
)

# What signs somebody in once. Used, it is gone.
sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Time, nullable=False),
)

# How often somebody tried within a stretch of time, by a keyed hash of the email or of the address.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tried", Integer, nullable=False),
    Column("began_at", Time, nullable=False),
    Index("ix_sign_in_attempts_began_at", "began_at"),
)
