"""A registration may wait for a person, with the reason in words."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("registrations", sa.Column("needs_person", sa.Text(), nullable=True))
    op.create_index(
        "ix_registrations_needs_person",
        "registrations",
        ["partner_id"],
        postgresql_where=sa.text("needs_person IS NOT NULL"),
    )
