"""How many leads are in a list, and who waits in which place, is read from an index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Change the schema."""
    op.create_index("ix_lead_lines_by_state", "lead_lines", ["partner_id", "state"])
    op.create_index(
        "ix_lead_lines_unconfirmed",
        "lead_lines",
        ["partner_id", "domain"],
        postgresql_where=sa.text("confirmation = 'unconfirmed'"),
    )
    op.create_index(
        "ix_requests_in_line",
        "requests",
        ["partner_id", "domain", sa.text("(coalesce(line_at, requested_at))"), "id"],
        postgresql_include=["hub_id", "line_at", "requested_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
