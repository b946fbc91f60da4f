"""What does the database hold?

Owned by it: partners, portals, forms, holds, requests, registrations, history, marks, inbox, cursors, records, resyncs,
erasures. Other rooms' tables lie in files of their own, which are imported here, so that whoever knows `metadata` knows
them all.
Times are `timestamptz` from the database's clock; days (`registered_on`, `expires_on`) are in the portal's time zone.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

# The tables of their own files are part of the schema, so whoever asks for it gets them too.
from syncworker.store import access_tables as access_tables
from syncworker.store import brake_tables as brake_tables
from syncworker.store import job_tables as job_tables
from syncworker.store import line_tables as line_tables
from syncworker.store import notice_tables as notice_tables
from syncworker.store import watch_tables as watch_tables
from syncworker.store.schema import NOW, Time
from syncworker.store.schema import metadata as metadata

# One row. Says which HubSpot this database has met ("sandbox" or "hubspot"), so that it never meets the other.
deployment = Table(
    "deployment",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("hubspot", Text, nullable=False),
    CheckConstraint("one", name="one_row"),
)

# A company that registers leads. Its row lock is what makes counting capacity safe.
partners = Table(
    "partners",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("program", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("capacity", Integer),  # overrides the tier's
    Column("created_at", Time, nullable=False, server_default=NOW),
)

# A connected HubSpot account. `credentials` is encrypted with the key of the settings.
portals = Table(
    "portals",
    metadata,
    Column("hub_id", BigInteger, primary_key=True, autoincrement=False),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("ui_domain", Text, nullable=False, server_default="app.hubspot.com"),
    Column("app_id", Text),
    Column("credentials", LargeBinary, nullable=False),
    Column("partner_company_id", Text),
    Column("connected_at", Time, nullable=False),
    Column("blocked_until", Time),  # 'infinity': until a person acts
    Column("blocked_reason", Text),
    Column("blocked_detail", Text),
    Column("failures", SmallInteger, nullable=False, server_default="0"),  # in a row, of the whole portal
    Column("webhook_at", Time),  # when the last one came, to the minute
    Column("paused_at", Time),
    Column("paused_by", Text),
    Column("paused_reason", Text),
    Column("mode_before", Text),  # what unpausing brings back
    Column("restored_from", Time),  # of when the backup is whose ledger this is, until the CRM was read again
    CheckConstraint("mode IN ('observe', 'write', 'paused')", name="mode"),
)

# Forms whose submissions register leads by themselves. Older submissions than `enabled_at` count only by a backfill.
forms = Table(
    "forms",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("form_id", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("enabled_at", Time, nullable=False),
    PrimaryKeyConstraint("hub_id", "form_id"),
)

# Reasons why nobody may register a domain.
holds = Table(
    "holds",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("added_by", Text, nullable=False),
    Column("added_at", Time, nullable=False),
)

# Somebody asks to register or deregister a lead. `state` says how far it came; the states of ledger/requests.py.
requests = Table(
    "requests",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("action", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("requested_at", Time, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("contact_id", Text),  # null until a submission is resolved by its email
    Column("email", Text),  # only until it is resolved
    Column("resolve_after", Time),  # null, and no contact: older submissions of its form are still being read
    Column("resolve_attempts", SmallInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text, nullable=False, server_default=""),
    Column("domain", Text),  # the domain it gets or waits for
    Column("company_id", Text),
    Column("confirmed_by", Text),  # a manager, for a deregistration asked for in the CRM
    Column("decided_at", Time),
    Column("registration_id", BigInteger, ForeignKey("registrations.id")),
    Column("line_at", Time),  # since when it counts as waiting, where a manager moved it; null: since requested_at
    UniqueConstraint("hub_id", "key"),
    CheckConstraint("state <> 'waiting' OR domain IS NOT NULL", name="waits_for_a_domain"),
    Index("ix_requests_contact", "hub_id", "contact_id"),
    Index("ix_requests_company", "hub_id", "company_id", postgresql_where=text("company_id IS NOT NULL")),
    Index("ix_requests_waiting", "partner_id", "requested_at", "id", postgresql_where=text("state = 'waiting'")),
    Index(
        "ix_requests_in_line",
        "partner_id",
        "domain",
        text("(coalesce(line_at, requested_at))"),
        "id",
        postgresql_include=["hub_id", "line_at", "requested_at"],
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("ix_requests_state", "partner_id", "state", "id"),
    Index("ix_requests_domain", "domain", postgresql_where=text("domain IS NOT NULL")),
    Index(
        "ix_requests_unresolved",
        "hub_id",
        "resolve_after",
        postgresql_where=text("contact_id IS NULL AND state = 'processing'"),
    ),
    Index("ix_requests_never_resolved", "created_at", postgresql_where=text("state = 'unresolved'")),
    Index(
        "ix_requests_invalid",
        "created_at",
        postgresql_where=text("state = 'invalid_data'"),
    ),
)

# A partner's claim on a domain. Held until `ended_at`; a deregistered one is held, with its slot, until `undo_until`.
registrations = Table(
    "registrations",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False),
    Column("domain", Text, nullable=False),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="SET NULL")),
    Column("contact_id", Text),  # the lead contact
    Column("company_id", Text),
    Column("source", Text, nullable=False),
    Column("registered_on", Date, nullable=False),
    Column("expires_on", Date, nullable=False),  # the last valid day
    Column("expires_at", Time, nullable=False),  # the moment after that day, in the portal's time zone
    Column("renew_at_expiry", Boolean, nullable=False, server_default=text("false")),
    Column("confirmation", Text),  # null where the authority is this ledger
    Column("hold", Text),  # a hold that came later
    Column("needs_person", Text),  # what a person has to decide about it, in words
    Column("created_at", Time, nullable=False),
    Column("deregistered_at", Time),
    Column("undo_until", Time),
    Column("ended_at", Time),
    Column("end_reason", Text),
    CheckConstraint("expires_on >= registered_on", name="dates"),
    CheckConstraint("(deregistered_at IS NULL) = (undo_until IS NULL)", name="undo"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
    # At most one claim on a domain, across all partners.
    Index("uq_registrations_held_domain", "domain", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("ix_registrations_held", "partner_id", "id", postgresql_where=text("ended_at IS NULL")),
    Index("ix_registrations_expiry", "expires_at", postgresql_where=text("ended_at IS NULL")),
    Index(
        "ix_registrations_undo",
        "undo_until",
        postgresql_where=text("ended_at IS NULL AND undo_until IS NOT NULL"),
    ),
    Index("ix_registrations_partner_domain", "partner_id", "domain"),
    Index("ix_registrations_contact", "hub_id", "contact_id"),
    Index("ix_registrations_company", "hub_id", "company_id"),
    Index("ix_registrations_needs_person", "partner_id", postgresql_where=text("needs_person IS NOT NULL")),
)

# Who does things: CRM users, operators. The one place where history's persons have a name, so that it can be erased.
persons = Table(
    "persons",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text),  # as in `cli:marta`; null once erased
    Column("named_at", Time, nullable=False),
    Column("erased_at", Time),
    # Partial: erasing a name must not wait for whoever refers to the row at that moment.
    Index("uq_persons_name", "name", unique=True, postgresql_where=text("name IS NOT NULL")),
)

# What happened, in order; never changed (a trigger refuses it). Holds ids, never a person's fields.
history = Table(
    "history",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", Time, nullable=False),
    Column("partner_id", BigInteger),  # null: of no portal
    Column("hub_id", BigInteger),
    Column("domain", Text),
    Column("event", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("contact_id", Text),
    Column("company_id", Text),
    Column("request_id", BigInteger),
    Column("registration_id", BigInteger),
    Column("person_id", BigInteger, ForeignKey("persons.id")),  # who it was, where it was a person
    Column("about_id", BigInteger, ForeignKey("persons.id")),  # to whom, where it was done to an account
    Column("detail", JSONB),  # of what is about no one lead: codes and numbers
    Index("ix_history_domain", "domain", "id"),
    Index("ix_history_contact", "hub_id", "contact_id", "id"),
    Index("ix_history_registration", "registration_id"),
    Index("ix_history_at", "at", postgresql_using="brin"),
    Index(
        "ix_history_of_no_lead",
        "id",
        postgresql_where=text(
            "domain IS NULL AND contact_id IS NULL AND company_id IS NULL AND request_id IS NULL "
            "AND registration_id IS NULL"
        ),
    ),
)

mark_generation = Sequence("mark_generation", metadata=metadata)

# A record, or a domain, that must be looked at again. Due when `not_before` is past and it is not parked.
marks = Table(
    "marks",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("generation", BigInteger, nullable=False, server_default=mark_generation.next_value()),
    Column("priority", SmallInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("marked_at", Time, nullable=False),
    Column("not_before", Time, nullable=False),
    Column("claim_token", Uuid),
    Column("reset_at", Time),  # when a person, a form or a webhook last reset its backoff
    Column("last_error", Text),
    Column("parked_at", Time),
    PrimaryKeyConstraint("hub_id", "kind", "object_id"),
    CheckConstraint("kind IN ('contact', 'company', 'domain', 'notice')", name="kind"),
    # The only one of due marks: with a second one by time alone, the planner takes a scan of all that is due for the
    # quickest way to the few of one priority.
    Index("ix_marks_due", "hub_id", "kind", "priority", "not_before", postgresql_where=text("parked_at IS NULL")),
    Index("ix_marks_parked", "hub_id", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
    # A mark is rewritten many times before it goes: leave room on the page, and vacuum long before the default.
    postgresql_with={
        "fillfactor": "70",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_threshold": "1000",
    },
)

# One row a webhook POST: the ids of its events, until a worker has turned them into marks.
inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("received_at", Time, nullable=False, server_default=NOW),
    Column("events", JSONB, nullable=False),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "1000"},
)

# How far each trigger of a portal has come. `high_water` moves only in the transaction that stores what it passed.
cursors = Table(
    "cursors",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("trigger", Text, nullable=False),  # 'contact.now', '.late', '.archived', 'company...', 'form:<id>'
    Column("high_water", Time, nullable=False),
    Column("due_at", Time, nullable=False),
    Column("polled_at", Time),
    Column("hurried_at", Time),  # somebody said that there is something new
    Column("spent_until", Time),  # until when its share of the daily quota is used up
    Column("leased_until", Time),
    Column("last_error", Text),
    Column("until", Time),  # the stretch being read ends here; null: none is
    Column("after_id", BigInteger, nullable=False, server_default="0"),  # and this is the last id read of it
    Column("settled_to", Time),  # up to when nothing can appear any more that was not looked for
    Column("allowance", SmallInteger, nullable=False, server_default="30"),  # tenths of a page, beyond its due
    Column("page_after", Text),  # where HubSpot's list goes on that is being read, in its own words
    Column("newest", Time),  # the newest that this look at a form was shown
    PrimaryKeyConstraint("hub_id", "trigger"),
    Index("ix_cursors_due", "due_at"),
)

# What we keep of contacts and companies that the ledger touches: what the lead pages show, and what we last wrote.
records = Table(
    "records",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("company", Text),
    Column("country", Text),
    Column("domain", Text),  # its present domain, which may have drifted from the registered one
    Column("company_id", Text),
    Column("presence", Text, nullable=False, server_default="live"),
    Column("reconciled_at", Time, nullable=False),
    Column("seen", Text),  # digest of the CRM fields that decisions rest on, as last read
    Column("written", JSONB),  # what we last wrote
    Column("written_times", SmallInteger, nullable=False, server_default="0"),
    Column("written_since", Time),
    Column("written_at", Time),  # when we last did, whatever it was
    Column("settled", Text),  # digest of all that it rested on when a resync last found it right
    Column("erased_at", Time),  # a person's fields were erased, and are never kept again
    # Without case and accents, to be sought and sorted by; the database makes them.
    *(Column(f"{of}_key", Text, Computed(f"fold_text({of})", persisted=True)) for of in ("name", "company", "country")),
    Column("request_cleared", Time),  # its request property is being cleared: when the value handled had been set
    PrimaryKeyConstraint("hub_id", "kind", "object_id"),
    # Partial, so that records named by their ids are never sought through all of a portal's.
    Index("ix_records_domain", "hub_id", "domain", postgresql_where=text("domain IS NOT NULL")),
    Index("ix_records_company", "hub_id", "company_id", postgresql_where=text("company_id IS NOT NULL")),
    Index("ix_records_gone", "hub_id", "kind", "object_id", postgresql_where=text("presence <> 'live'")),
    postgresql_with={"fillfactor": "50"},  # written again when it is read, or written to: there is room beside it
)

# A look at many records again, page by page. `kind` is the stage it is in, `after` where that goes on.
resyncs = Table(
    "resyncs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scope", JSONB, nullable=False),
    Column("state", Text, nullable=False),  # running, paused, cancelled, done, failed
    Column("kind", Text, nullable=False),
    Column("after", Text),
    Column("total", BigInteger),  # records there were to look at when it began, as far as HubSpot could tell
    Column("listed", BigInteger, nullable=False, server_default="0"),
    Column("marked", BigInteger, nullable=False, server_default="0"),
    Column("written", BigInteger, nullable=False, server_default="0"),
    Column("failed", BigInteger, nullable=False, server_default="0"),
    Column("calls", BigInteger, nullable=False, server_default="0"),
    Column("asked_by", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("finished_at", Time),
    Column("leased_until", Time),
    Column("last_error", Text),
    Column("note", Text),  # what was unusual on the way; stays
    # A portal has one at a time, a paused one included: it goes on some day.
    Index("uq_resyncs_unfinished", "hub_id", unique=True, postgresql_where=text("state IN ('running', 'paused')")),
)

# What a resync was shown by a list, and what by none: ids by the page, as long as it goes on.
resync_pages = Table(
    "resync_pages",
    metadata,
    Column("resync_id", BigInteger, ForeignKey("resyncs.id", ondelete="CASCADE"), nullable=False),
    Column("stage", Text, nullable=False),
    Column("id", BigInteger, Identity(), nullable=False),
    Column("ids", Text, nullable=False),  # one text, see arrays.py: an array costs more to write than the rest
    PrimaryKeyConstraint("resync_id", "stage", "id"),
)

# Persons who were deleted for privacy, as a keyed hash of their email: what they submitted before is not taken in anew.
erasures = Table(
    "erasures",
    metadata,
    Column("hub_id", BigInteger, ForeignKey("portals.hub_id", ondelete="CASCADE"), nullable=False),
    Column("email_hash", Text, nullable=False),
    Column("erased_at", Time, nullable=False),
    PrimaryKeyConstraint("hub_id", "email_hash"),
)
