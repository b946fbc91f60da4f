"""When a record was last written: a list that was read before says nothing of what was edited since."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("records", sa.Column("written_at", sa.DateTime(timezone=True), nullable=True))
