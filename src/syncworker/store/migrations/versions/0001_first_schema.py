"""The first schema: what `store.tables` describes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Change the schema."""
    op.execute("CREATE SEQUENCE mark_generation")
    op.create_table(
        "deployment",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("hubspot", sa.Text(), nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_deployment_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_deployment")),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=True),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("registration_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index("ix_history_contact", "history", ["hub_id", "contact_id", "id"], unique=False)
    op.create_index("ix_history_domain", "history", ["domain", "id"], unique=False)
    op.create_index("ix_history_registration", "history", ["registration_id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_holds")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("events", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "1000"},
    )
    op.create_table(
        "partners",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
        sa.UniqueConstraint("name", name=op.f("uq_partners_name")),
    )
    op.create_table(
        "portals",
        sa.Column("hub_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("ui_domain", sa.Text(), server_default="app.hubspot.com", nullable=False),
        sa.Column("app_id", sa.Text(), nullable=True),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("partner_company_id", sa.Text(), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_reason", sa.Text(), nullable=True),
        sa.Column("blocked_detail", sa.Text(), nullable=True),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("mode IN ('observe', 'write', 'paused')", name=op.f("ck_portals_mode")),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_portals_partner_id")),
        sa.PrimaryKeyConstraint("hub_id", name=op.f("pk_portals")),
    )
    op.create_index(op.f("ix_portals_partner_id"), "portals", ["partner_id"], unique=False)
    op.create_table(
        "cursors",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("high_water", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hurried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spent_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_cursors_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "trigger", name=op.f("pk_cursors")),
    )
    op.create_index("ix_cursors_due", "cursors", ["due_at"], unique=False)
    op.create_table(
        "forms",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_forms_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "form_id", name=op.f("pk_forms")),
    )
    op.create_table(
        "marks",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("nextval('mark_generation')"), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_token", sa.Uuid(), nullable=True),
        sa.Column("reset_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('contact', 'company', 'domain')", name=op.f("ck_marks_kind")),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_marks_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "kind", "object_id", name=op.f("pk_marks")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_vacuum_threshold": "1000",
        },
    )
    op.create_index(
        "ix_marks_due",
        "marks",
        ["hub_id", "kind", "priority", "not_before"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NULL"),
    )
    op.create_index(
        "ix_marks_oldest",
        "marks",
        ["hub_id", "kind", "not_before"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NULL"),
    )
    op.create_index(
        "ix_marks_parked",
        "marks",
        ["hub_id", "parked_at"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NOT NULL"),
    )
    op.create_table(
        "records",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("presence", sa.Text(), server_default="live", nullable=False),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.Text(), nullable=True),
        sa.Column("written", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("written_times", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("written_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_cleared", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_records_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "kind", "object_id", name=op.f("pk_records")),
    )
    op.create_index("ix_records_company", "records", ["hub_id", "company_id"], unique=False)
    op.create_index("ix_records_domain", "records", ["hub_id", "domain"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renew_at_expiry", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("confirmation", sa.Text(), nullable=True),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deregistered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(deregistered_at IS NULL) = (undo_until IS NULL)", name=op.f("ck_registrations_undo")),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_registrations_ended")),
        sa.CheckConstraint("expires_on >= registered_on", name=op.f("ck_registrations_dates")),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["portals.hub_id"], name=op.f("fk_registrations_hub_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_registrations_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
    )
    op.create_index("ix_registrations_company", "registrations", ["hub_id", "company_id"], unique=False)
    op.create_index("ix_registrations_contact", "registrations", ["hub_id", "contact_id"], unique=False)
    op.create_index(
        "ix_registrations_expiry",
        "registrations",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_registrations_held",
        "registrations",
        ["partner_id", "id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_registrations_partner_domain", "registrations", ["partner_id", "domain"], unique=False)
    op.create_index(
        "ix_registrations_undo",
        "registrations",
        ["undo_until"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL AND undo_until IS NOT NULL"),
    )
    op.create_index(
        "uq_registrations_held_domain",
        "registrations",
        ["domain"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "resyncs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("listed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("marked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_resyncs_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resyncs")),
    )
    op.create_index(op.f("ix_resyncs_hub_id"), "resyncs", ["hub_id"], unique=False)
    op.create_index(
        "uq_resyncs_running", "resyncs", ["hub_id"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("resolve_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolve_attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registration_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state <> 'waiting' OR domain IS NOT NULL", name=op.f("ck_requests_waits_for_a_domain")),
        sa.ForeignKeyConstraint(["hub_id"], ["portals.hub_id"], name=op.f("fk_requests_hub_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_requests_partner_id")),
        sa.ForeignKeyConstraint(["registration_id"], ["registrations.id"], name=op.f("fk_requests_registration_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("hub_id", "key", name=op.f("uq_requests_hub_id_key")),
    )
    op.create_index(
        "ix_requests_company",
        "requests",
        ["hub_id", "company_id"],
        unique=False,
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.create_index("ix_requests_contact", "requests", ["hub_id", "contact_id"], unique=False)
    op.create_index(
        "ix_requests_domain", "requests", ["domain"], unique=False, postgresql_where=sa.text("domain IS NOT NULL")
    )
    op.create_index(
        "ix_requests_invalid",
        "requests",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'invalid_data'"),
    )
    op.create_index("ix_requests_state", "requests", ["partner_id", "state", "id"], unique=False)
    op.create_index(
        "ix_requests_unresolved",
        "requests",
        ["hub_id", "resolve_after"],
        unique=False,
        postgresql_where=sa.text("contact_id IS NULL AND state = 'processing'"),
    )
    op.create_index(
        "ix_requests_waiting",
        "requests",
        ["partner_id", "requested_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    # What happened stays as it was told.
    op.execute("""
        CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'history is append-only';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
        EXECUTE FUNCTION history_is_append_only()
    """)
