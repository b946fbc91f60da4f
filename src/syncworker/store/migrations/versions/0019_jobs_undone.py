"""A job says itself until when it can be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("jobs", sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_jobs_undoes", "jobs", ["undoes"], postgresql_where=sa.text("undoes IS NOT NULL"))
