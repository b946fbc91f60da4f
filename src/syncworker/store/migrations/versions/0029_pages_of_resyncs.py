"""What a resync was shown is kept by the page: no record is written anew because it was looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "resync_pages",
        sa.Column("resync_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resync_id", "stage", "id", name=op.f("pk_resync_pages")),
        sa.ForeignKeyConstraint(
            ["resync_id"], ["resyncs.id"], ondelete="CASCADE", name=op.f("fk_resync_pages_resync_id_resyncs")
        ),
    )
    # The places of these stages were records: what is missing is looked for anew.
    op.execute("UPDATE resyncs SET after = NULL WHERE kind LIKE '%.missing' AND state <> 'done'")
