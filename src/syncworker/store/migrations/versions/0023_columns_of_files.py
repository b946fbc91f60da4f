"""A file of leads says which of its columns were read."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("jobs", sa.Column("columns", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("others", sa.Integer(), nullable=True))
