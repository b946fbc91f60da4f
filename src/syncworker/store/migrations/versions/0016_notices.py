"""People are told: switches, what there is to tell, and what is on its way to whom; history by its time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"

_TIME = sa.DateTime(timezone=True)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "notice_switches",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("switched_at", _TIME, nullable=False),
        sa.CheckConstraint("channel IN ('email', 'webhook', 'task')", name=op.f("ck_notice_switches_channel")),
        _to("notice_switches", "user_id", "users.id"),
        _to("notice_switches", "hub_id", "portals.hub_id"),
        sa.PrimaryKeyConstraint("user_id", "hub_id", "kind", "channel", name=op.f("pk_notice_switches")),
    )
    op.create_index("ix_notice_switches_hub_id", "notice_switches", ["hub_id"])
    op.create_table(
        "notice_webhooks",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        _to("notice_webhooks", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_webhooks")),
    )
    op.create_table(
        "untold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("history_id", sa.BigInteger(), nullable=True),
        sa.Column("record_kind", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Text(), nullable=True),
        _to("untold", "hub_id", "portals.hub_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_untold")),
    )
    op.create_index("ix_untold_kind", "untold", ["hub_id", "kind", "id"])
    op.create_table(
        "notice_states",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("at", _TIME, nullable=True),
        _to("notice_states", "hub_id", "portals.hub_id"),
        sa.PrimaryKeyConstraint("hub_id", "kind", name=op.f("pk_notice_states")),
    )
    op.create_table(
        "notice_expiries",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("registration_id", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        _to("notice_expiries", "hub_id", "portals.hub_id"),
        _to("notice_expiries", "registration_id", "registrations.id"),
        sa.PrimaryKeyConstraint("hub_id", "registration_id", name=op.f("pk_notice_expiries")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        _to("notices", "hub_id", "portals.hub_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("hub_id", "kind", "cause", name=op.f("uq_notices_hub_id_kind_cause")),
    )
    op.create_index("ix_notices_at", "notices", ["at"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("began_at", _TIME, nullable=True),
        sa.Column("sent_at", _TIME, nullable=True),
        sa.CheckConstraint("(user_id IS NULL) = (contact_id IS NOT NULL)", name=op.f("ck_deliveries_whom")),
        _to("deliveries", "notice_id", "notices.id"),
        _to("deliveries", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_user_id", "deliveries", ["user_id"])
    op.create_index(
        "uq_deliveries_once",
        "deliveries",
        ["notice_id", "channel", sa.text("coalesce(user_id, 0)"), sa.text("coalesce(contact_id, '')")],
        unique=True,
    )
    # A mark promises that a delivery is sent, too.
    op.drop_constraint(op.f("ck_marks_kind"), "marks")
    op.create_check_constraint(op.f("ck_marks_kind"), "marks", "kind IN ('contact', 'company', 'domain', 'notice')")
    # Of a few kilobytes, and nearly free to keep: what happened within a day is found at the end of a long table.
    op.create_index("ix_history_at", "history", ["at"], postgresql_using="brin")
