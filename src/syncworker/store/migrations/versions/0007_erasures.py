"""Persons can be erased: what is kept of a record says so, and whose earlier submissions no longer count."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("records", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "erasures",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("email_hash", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_erasures_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "email_hash", name=op.f("pk_erasures")),
    )
    op.create_index(
        "ix_requests_never_resolved",
        "requests",
        ["created_at"],
        postgresql_where=sa.text("state = 'unresolved'"),
    )
