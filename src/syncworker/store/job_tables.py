"""What does the database hold of what a person asked to be done to many leads at once?

Owned by it: jobs, job_items. A row of each domain with its outcome is what a killed worker leaves, and what a person
reads: what was done, and what was not.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from sqlalchemy import UniqueConstraint as Unique

from syncworker.store.schema import Time, metadata

# One thing to be done to many domains of a partner, or to many leads as a file names them. `key`: the same is the same
# job, however often it is sent.
jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),  # items with an outcome, whichever
    Column("held", Boolean, nullable=False, server_default=text("false")),  # nobody has said go yet
    Column("turn", BigInteger),  # of what was held: its place among the ids when somebody said go
    Column("note", Text),  # the name of a file
    Column("columns", Text),  # of a file: the names of those that were read, with commas between
    Column("others", Integer),  # of a file: how many columns were left out
    Column("undoes", BigInteger),  # the job whose domains these are
    Column("undo_until", Time),  # of a deregistration: when the first of its domains can be undone no more
    Column("created_at", Time, nullable=False),
    Column("finished_at", Time),
    Unique("hub_id", "key"),
    Index("ix_jobs_undoes", "undoes", postgresql_where=text("undoes IS NOT NULL")),
    Index("ix_jobs_unfinished", "hub_id", "id", postgresql_where=text("finished_at IS NULL")),
)

job_items = Table(
    "job_items",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("domain", Text, nullable=False),
    Column("outcome", Text),  # null: not yet
    PrimaryKeyConstraint("job_id", "place"),
    Index("ix_job_items_to_do", "job_id", "place", postgresql_where=text("outcome IS NULL")),
    Index("ix_job_items_domain", "domain"),
)
