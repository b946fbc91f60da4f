"""A deployment in which everything has happened that a page can show.

What people typed is Greek: no text of ours is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.program import Validity
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action, HoldKind, Reason, Source
from syncworker.store import portals
from syncworker.sync import operations
from syncworker.sync.jobs import job, job_work
from syncworker.sync.jobs.job import JobAction, Outcome
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.notices.kinds import NoticeKind
from web.deployment import HUB, Deployment

WHO = f"{Role.OPERATOR}@acme-partner.se"
LEAD = "granvik.se"
# Each way in which a mark fails; HubSpot's own words are quoted.
FAILURES = (
    "HubSpot answered 400 to PATCH /contacts: Property values were not valid; change the request",
    "HubSpot answered 404 to PATCH /contacts: gone",
    "HubSpot answered 409 to PATCH /contacts: conflict",
    "HubSpot answered 502 to GET /contacts: Bad Gateway",
    "the CRM does not keep our values",
    "HubSpot gives no history of the request property",
    "KeyError: 'id'",
)
NEEDS_PERSON = (
    "its lead contact was merged: contact 1 is 2 now, who stands for berg.se. "
    "Choose another lead contact, or leave it so"
)
WHYS = {
    "requested": ("register", "deregister"),
    "pending": ("processing", "capacity_reached"),
    "unavailable": ("existing_customer", "registered_by_another"),
    "invalid_data": ("missing_data",),
    "deregistered": ("commission eligibility lost",),
    "renewal_set": ("on", "off"),
    "renewed": ("renew_at_expiry",),
    "imported": (
        "file ΛΛ-1, row 3, active", "file ΛΛ-1, row 3, expired",
        "rebuilt from the CRM, which has shown it as registered since 2026-01-02 03:04 UTC",
    ),
    "merged": ("contact 1 is 2 now", "company 1 is 2 now"),
    "lead_contact_chosen": ("was contact 1", "had none"),
    "moved_in_line": ("3",),
    "hand_edit": ("overwritten: partner_registration_status, partner_registered_on",),
    "hold_came": ("existing_customer",),
    "needs_person": (NEEDS_PERSON,),
}  # fmt: skip
DOERS = ("syncworker", "unknown", "api", "rebuild", "settings", "form:7f3c", "cli:Μαρτα", "erased person 3", WHO)


def fill(deployment: Deployment, causes: Iterable[str]) -> None:
    """Let everything have happened; `causes` are all for which a record is looked at again."""
    _leads(deployment)
    _requests(deployment)
    _history(deployment)
    _jobs(deployment)
    _marks(deployment, list(causes))
    _operations(deployment)


def _leads(of: Deployment) -> None:
    written = {
        "partner_registration_status": "registered", "partner_registration_reason": "website_changed",
        "partner_registration_detail": "granvik.se is registered; the website now says Other.",
        "partner_registered_on": "2026-01-02", "partner_registration_source": "form",
        "partner_registration_confirmed": "unconfirmed", "partner_capacity_limit": "100", "partner_tier": "gold",
    }  # fmt: skip
    of.record("1", name="Αλφα Βητα", company="Γαμμα", country="Δελτα", domain="other.se")
    of.record("2", kind=Kind.COMPANY, name="Γαμμα", country="Δελτα", domain=LEAD)
    of.registered(LEAD)
    for number, (domain, days) in enumerate((("today.se", 0), ("week.se", 5), ("month.se", 25), ("over.se", 300))):
        of.record(f"3{number}", name="Εψιλον", domain=domain)
        of.registered(domain, contact_id=f"3{number}", company_id=None, validity=Validity(days=max(days, 1)))
    for number, kind in enumerate(HoldKind):
        of.registered(f"held{number}.se", contact_id=None, company_id=None)
        operations.add_hold(of.context, f"held{number}.se", kind, note="Ζητα", who=WHO)
    of.record("50", name="Ητα", domain="gone.se", presence="archived")
    of.registered("gone.se", contact_id="50", company_id=None)
    with of.database.transaction() as tx:
        run = tx.connection.execute
        run(
            text("UPDATE records SET written = CAST(:written AS jsonb) WHERE object_id = '1'"),
            {"written": _json(written)},
        )
        for confirmation, domain in (("unconfirmed", "week.se"), ("contradicted", "month.se")):
            run(
                text("UPDATE registrations SET confirmation = :to WHERE domain = :of"),
                {"to": confirmation, "of": domain},
            )
        run(
            text("UPDATE registrations SET needs_person = :why WHERE domain = 'over.se'"),
            {"why": NEEDS_PERSON},
        )
        for number, source in enumerate(Source):
            expired = text("""
                INSERT INTO registrations (partner_id, domain, hub_id, contact_id, source, registered_on, expires_on,
                                           expires_at, created_at, ended_at, end_reason)
                SELECT partner_id, :domain, hub_id, contact_id, :source, registered_on - 400, expires_on - 400,
                       expires_at - INTERVAL '400 days', created_at, now(), 'expired'
                  FROM registrations WHERE domain = 'granvik.se'""")
            run(expired, {"domain": f"old{number}.se", "source": source.value})
    operations.set_renewal(of.context, HUB, LEAD, renew=True, who=WHO)


def _requests(of: Deployment) -> None:
    detail = (
        "Missing: first name, last name, email, company. Wrong: website (x). "
        "Once mended, it is decided again by itself."
    )
    states = {
        State.WAITING: [Reason.CAPACITY_REACHED],
        State.PROCESSING: [Reason.PROCESSING],
        State.CONFIRMING: [Reason.AWAITING_CONFIRMATION],
        State.UNRESOLVED: [Reason.PROCESSING],
        State.UNAVAILABLE: [Reason(kind.value) for kind in HoldKind] + [Reason.REGISTERED_BY_ANOTHER],
        State.INVALID_DATA: [Reason.MISSING_DATA, Reason.BAD_WEBSITE, Reason.NO_CONVERSION],
        State.WITHDRAWN: [None],
        State.ENDED: [None],
        State.REGISTERED: [None],
        State.DEREGISTERED: [None],
    }
    number = 100
    for state, reasons in states.items():
        for reason in reasons:
            for domain in (f"asked{number}.se", LEAD):
                number += 1
                action = Action.DEREGISTER if state in {State.CONFIRMING, State.DEREGISTERED} else Action.REGISTER
                domain = LEAD if state is State.CONFIRMING else domain
                if domain == LEAD and state in {State.WAITING, State.PROCESSING}:
                    continue
                request_id = of.asked(str(number), state=state, domain=domain, action=action, seconds_ago=number)
                with of.database.transaction() as tx:
                    said = {"id": request_id, "reason": reason.value if reason else None,
                            "detail": detail if state is State.INVALID_DATA else ""}  # fmt: skip
                    tx.connection.execute(
                        text("UPDATE requests SET reason = :reason, detail = :detail WHERE id = :id"), said
                    )


def _history(of: Deployment) -> None:
    row = text("""
        INSERT INTO history (at, partner_id, hub_id, domain, event, source, who, why)
        SELECT now(), partner_id, hub_id, :domain, :event, 'crm', :who, :why FROM portals WHERE hub_id = :hub_id""")
    told = [(event, "syncworker", why) for event, whys in WHYS.items() for why in whys]
    told += [("deregistered", who, "") for who in DOERS]
    with of.database.transaction() as tx:
        for event, who, why in told:
            said = {"hub_id": HUB, "domain": LEAD, "event": event, "who": who, "why": why}
            tx.connection.execute(row, said)


def _jobs(of: Deployment) -> None:
    job.start(of.context, HUB, JobAction.DEREGISTER, ["week.se", "never.se"], who=WHO, source=Source.APP, key="app:1")
    while job_work.continue_jobs(of.context, HUB):
        pass
    # One that came to everything that there is to come to
    done = job.start(of.context, HUB, JobAction.UNDO, [f"d{n}.se" for n in range(len(Outcome))], who=WHO,
                     source=Source.APP, key="app:2")  # fmt: skip
    with of.database.transaction() as tx:
        for place, outcome in enumerate(Outcome):
            came = text("UPDATE job_items SET outcome = :outcome WHERE job_id = :id AND domain = :domain")
            tx.connection.execute(came, {"outcome": outcome.value, "id": done.id, "domain": f"d{place}.se"})
        tx.connection.execute(text("UPDATE jobs SET done = total, finished_at = now() WHERE id = :id"), {"id": done.id})


def _marks(of: Deployment, causes: list[str]) -> None:
    with of.database.transaction() as tx:
        for number, error in enumerate(FAILURES):
            mark(tx, HUB, Kind.CONTACT, [f"9{number}"], priority=Priority.POLL, cause="webhook")
            parked = text("UPDATE marks SET parked_at = now(), last_error = :error, attempts = 7 WHERE object_id = :id")
            tx.connection.execute(parked, {"error": error, "id": f"9{number}"})
        for number, cause in enumerate(causes):
            mark(tx, HUB, Kind.COMPANY, [f"8{number}"], priority=Priority.POLL, cause=cause)
        mark(tx, HUB, Kind.NOTICE, ["1"], priority=Priority.PERSON, cause=f"notice: {NoticeKind.REFUSED}")
        tx.connection.execute(text("UPDATE marks SET attempts = 2, claim_token = gen_random_uuid(), "
                                   "not_before = now() + INTERVAL '1 minute' WHERE object_id = '80'"))  # fmt: skip


def _operations(of: Deployment) -> None:
    with of.database.transaction() as tx:
        run = tx.connection.execute
        portals.block(tx, HUB, until=tx.now + timedelta(hours=1), reason="brake", detail="6 of 100 known statuses ...")
        scopes = (
            '{"all": true}',
            '{"since": "2026-05-01T00:00:00+00:00"}',
            '{"status": "expired"}',
            '{"form": "7f3c"}',
        )
        for scope in scopes:
            for state in ("done", "cancelled"):
                run(_RESYNC, {"hub_id": HUB, "scope": scope, "state": state, "error": None,
                              "note": "HubSpot refused a page, so its list began again: Bad paging"})  # fmt: skip
        run(_RESYNC, {"hub_id": HUB, "scope": scopes[0], "state": "failed", "error": FAILURES[3], "note": None})
        for number, error in enumerate((None, FAILURES[3], "3 submissions cannot be read, and are left out")):
            form = {"hub_id": HUB, "id": f"form{number}", "name": "Θητα", "error": error}
            run(text("INSERT INTO forms (hub_id, form_id, name, enabled_at) VALUES (:hub_id, :id, :name, now())"), form)
            run(text("""
                INSERT INTO cursors (hub_id, trigger, high_water, due_at, polled_at, last_error)
                VALUES (:hub_id, 'form:' || :id, now(), now(), now(), :error)"""), form)  # fmt: skip


_RESYNC = text("""
    INSERT INTO resyncs (hub_id, kind, scope, state, asked_by, created_at, total, last_error, note, finished_at)
    VALUES (:hub_id, 'contact', CAST(:scope AS jsonb), :state, 'anna@acme-partner.se', now(), 5, :error, :note, now())
""")


def _json(of: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": "{value}"' for name, value in of.items()) + "}"
