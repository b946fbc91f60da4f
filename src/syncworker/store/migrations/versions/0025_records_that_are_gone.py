"""Records that are gone have an index of their own: what they orphaned is counted without all the others."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Change the schema."""
    op.create_index(
        "ix_records_gone",
        "records",
        ["hub_id", "kind", "object_id"],
        postgresql_where=sa.text("presence <> 'live'"),
    )
