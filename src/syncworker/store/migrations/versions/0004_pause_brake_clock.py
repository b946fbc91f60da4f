"""Who paused a portal and why, what the brake has counted, how far the clocks are apart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Change the schema."""
    op.add_column("portals", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("portals", sa.Column("paused_by", sa.Text(), nullable=True))
    op.add_column("portals", sa.Column("paused_reason", sa.Text(), nullable=True))
    op.add_column("portals", sa.Column("mode_before", sa.Text(), nullable=True))
    op.add_column("portals", sa.Column("restored_from", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "brakes",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_brakes_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", name=op.f("pk_brakes")),
    )
    op.create_table(
        "downgrades",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_downgrades_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "kind", "object_id", name=op.f("pk_downgrades")),
    )
    op.create_index("ix_downgrades_at", "downgrades", ["hub_id", "at"], unique=False)
    op.create_table(
        "clock_skew",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("apart_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("one", name=op.f("ck_clock_skew_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_clock_skew")),
    )
