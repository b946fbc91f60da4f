"""How many events webhooks brought within the last hour is known by the minute."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "heard",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_heard_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "slot", name=op.f("pk_heard")),
    )
