"""History tells what people did about no one lead, too: marks, resyncs, holds, accounts, settings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"

_OF_NO_LEAD = """
    domain IS NULL AND contact_id IS NULL AND company_id IS NULL AND request_id IS NULL AND registration_id IS NULL"""


def upgrade() -> None:
    """Change the schema."""
    # What is of no portal is of no partner.
    op.alter_column("history", "partner_id", nullable=True)
    op.add_column("history", sa.Column("about_id", sa.BigInteger(), nullable=True))
    op.add_column("history", sa.Column("detail", JSONB(), nullable=True))
    op.create_foreign_key(op.f("fk_history_about_id"), "history", "persons", ["about_id"], ["id"])
    op.create_index("ix_history_of_no_lead", "history", ["id"], postgresql_where=sa.text(_OF_NO_LEAD.strip()))
