"""What is done to many leads at once is a job that survives whoever works on it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("hub_id", "key", name=op.f("uq_jobs_hub_id_key")),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_jobs_hub_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_jobs_partner_id")),
    )
    op.create_index("ix_jobs_unfinished", "jobs", ["hub_id", "id"], postgresql_where=sa.text("finished_at IS NULL"))
    op.create_table(
        "job_items",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "place", name=op.f("pk_job_items")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_items_job_id"), ondelete="CASCADE"),
    )
    op.create_index("ix_job_items_to_do", "job_items", ["job_id", "place"], postgresql_where=sa.text("outcome IS NULL"))
    op.create_index("ix_job_items_domain", "job_items", ["domain"])
