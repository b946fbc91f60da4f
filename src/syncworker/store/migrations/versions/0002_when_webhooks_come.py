"""When the last webhook of a portal came: what an app subscribes to cannot be asked, but this can be seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("portals", sa.Column("webhook_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("portals", "webhook_at")
