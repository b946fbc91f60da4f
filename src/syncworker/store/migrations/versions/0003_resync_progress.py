"""A resync counts what it wrote, can be paused, and reads companies before contacts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("resyncs", sa.Column("total", sa.BigInteger(), nullable=True))
    op.add_column("resyncs", sa.Column("note", sa.Text(), nullable=True))
    for name in ("written", "failed", "calls"):
        op.add_column("resyncs", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.drop_index("uq_resyncs_running", table_name="resyncs")
    op.create_index(
        "uq_resyncs_unfinished",
        "resyncs",
        ["hub_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('running', 'paused')"),
    )
    # One that was begun by the version before read contacts first: it begins again, which harms nothing.
    op.execute("UPDATE resyncs SET kind = 'company', after = NULL, listed = 0 WHERE state = 'running'")
