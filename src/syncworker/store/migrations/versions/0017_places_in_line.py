"""A manager moves a request in the waiting list."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("requests", sa.Column("line_at", sa.DateTime(timezone=True), nullable=True))
