"""What does the database keep beside the ledger, so that a list of it is found quickly?

Owned by it: lead_lines, asked_lines. Everything in them follows from other tables, kept by triggers of the database
itself: whoever changes a registration, a request or a record, in whatever way, has changed its line in the same
transaction.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, PrimaryKeyConstraint, Table, Text, text

from syncworker.store.schema import Time, metadata

_SORTED_BY = (
    ("domain",),
    *(
        (key, "domain")
        for key in ("company_key", "contact_key", "country_key", "registered_on", "expires_at", "source")
    ),
)

# The newest registration of each domain that a partner has, or had, as lists search and sort it. Keys and `search`
# are without case and accents, and of what the registration's own portal knows: another portal must not see them.
lead_lines = Table(
    "lead_lines",
    metadata,
    Column("partner_id", BigInteger, nullable=False),
    Column("domain", Text, nullable=False),
    Column("registration_id", BigInteger, nullable=False),
    Column("hub_id", BigInteger),
    Column("contact_id", Text),
    Column("company_id", Text),
    Column("state", Text, nullable=False),  # registered, deregistered, expired; overdue is for the reader to see
    Column("registered_on", Date, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("renews", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("confirmation", Text),
    Column("company_key", Text, nullable=False),
    Column("contact_key", Text, nullable=False),
    Column("country_key", Text, nullable=False),
    Column("search", Text, nullable=False),
    PrimaryKeyConstraint("partner_id", "domain"),
    Index("ix_lead_lines_contact", "hub_id", "contact_id"),
    Index("ix_lead_lines_company", "hub_id", "company_id"),
    Index("ix_lead_lines_by_state", "partner_id", "state"),
    Index("ix_lead_lines_unconfirmed", "partner_id", "domain", postgresql_where=text("confirmation = 'unconfirmed'")),
    # One for each column that a list is sorted by, with what says whether a line is in it: page 1,000 of 100,000 lines
    # is read from there alone, and so is how many there are.
    *(
        Index(f"ix_lead_lines_by_{key[0]}", "partner_id", *key, postgresql_include=["state", "expires_at", "renews"])
        for key in _SORTED_BY
    ),
    # What is made of other tables is not kept with them.
    info={"derived": True},
)

# What is searched and sorted by of each request that waits, was refused, lacks something or asks a person. One that is
# not decided yet has no line: most are registered a moment later, and their way must not be made longer.
asked_lines = Table(
    "asked_lines",
    metadata,
    Column("request_id", BigInteger, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    Column("hub_id", BigInteger, nullable=False),
    Column("contact_id", Text),
    Column("company_id", Text),  # the request's, else its contact's
    Column("company_key", Text, nullable=False),
    Column("contact_key", Text, nullable=False),
    Column("country_key", Text, nullable=False),
    Column("search", Text, nullable=False),
    PrimaryKeyConstraint("request_id"),
    Index("ix_asked_lines_contact", "hub_id", "contact_id"),
    Index("ix_asked_lines_company", "hub_id", "company_id"),
    info={"derived": True},
)
