"""Polls read a stretch of time by id, look for archived records, and settle what forms showed late."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("cursors", sa.Column("until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cursors", sa.Column("after_id", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("cursors", sa.Column("settled_to", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cursors", sa.Column("allowance", sa.SmallInteger(), server_default="30", nullable=False))
    # Portals that are connected already begin to look for archived records, too.
    op.execute(
        "INSERT INTO cursors (hub_id, trigger, high_water, due_at) "
        "SELECT hub_id, kind || '.archived', clock_timestamp(), clock_timestamp() "
        "FROM portals CROSS JOIN (VALUES ('contact'), ('company')) AS kinds (kind)"
    )
    # What forms showed before is settled: their submissions are not all read again.
    op.execute(
        "UPDATE cursors SET settled_to = high_water - CAST('65 minutes' AS interval) WHERE trigger LIKE 'form:%'"
    )
