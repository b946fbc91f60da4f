"""A record that was right is known again by what that rested on."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("records", sa.Column("settled", sa.Text(), nullable=True))
