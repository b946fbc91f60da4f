"""A file of leads takes its turn when somebody says go for it, not when it was brought in."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("jobs", sa.Column("turn", sa.BigInteger(), nullable=True))
