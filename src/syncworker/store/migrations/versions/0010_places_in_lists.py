"""Polls keep where they are in a list as HubSpot says it, and long looks at forms go on where the last turn ended."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("cursors", sa.Column("page_after", sa.Text(), nullable=True))
    op.add_column("cursors", sa.Column("newest", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE cursors SET page_after = after_id::text, after_id = 0 WHERE trigger LIKE '%.archived' AND after_id > 0"
    )
