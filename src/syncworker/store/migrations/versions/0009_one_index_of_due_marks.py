"""One index of due marks, by priority: where all are due, the other one misled the planner into reading all of them."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Change the schema."""
    op.drop_index("ix_marks_oldest", table_name="marks")
