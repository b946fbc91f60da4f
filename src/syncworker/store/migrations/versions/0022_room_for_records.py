"""A resync writes each record again: there is room for that beside it, and it is found by its id alone."""

from alembic import op
from sqlalchemy import text

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Change the schema. What is there moves by and by, as it is written.

    The indexes become partial: a planner that knows nothing of a new table takes "all of the portal" for one row, and
    reads the portal whole for a hundred ids.
    """
    op.execute("ALTER TABLE records SET (fillfactor = 50)")
    for column in ("domain", "company_id"):
        name = f"ix_records_{column.removesuffix('_id')}"
        op.drop_index(name, "records")
        op.create_index(name, "records", ["hub_id", column], postgresql_where=text(f"{column} IS NOT NULL"))
