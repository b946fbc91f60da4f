"""A file of leads is a job that is held until somebody says go."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("jobs", sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("jobs", sa.Column("note", sa.Text(), nullable=True))
