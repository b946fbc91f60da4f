"""Would the reckoning of a run see what is wrong? Ledgers and CRMs that are, on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from faults import invariants
from faults.schedule import of_seed
from faults.truth import Crm, CrmRecord, Ledger, Submission

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
REGISTERED = {
    "partner_registration_status": "registered",
    "partner_registered_domain": "acme.se",
    "partner_registered_on": "2026-03-10",
    "partner_registration_expires_on": "2027-03-09",
}


def registration(number: int, domain: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": number, "partner_id": 1, "domain": domain, "hub_id": 7, "contact_id": "100", "company_id": None,
        "registered_on": date(2026, 3, 10), "expires_on": date(2027, 3, 9), "expires_at": NOW + timedelta(days=365),
        "deregistered_at": None, "undo_until": None, "ended_at": None,
    } | changed  # fmt: skip


def ledger(*registrations: dict[str, Any]) -> Ledger:
    return Ledger(
        portals={7: {"hub_id": 7, "partner_id": 1, "mode": "write", "blocked_until": None, "blocked_reason": None}},
        forms={(7, "f")},
        registrations=list(registrations),
        now=NOW,
    )


def crm(*contacts: tuple[str, dict[str, str]]) -> Crm:
    found = Crm()
    for id_, properties in contacts:
        record = CrmRecord(hub_id=7, kind="contact", id=id_, properties=properties)
        found.records[record.key] = record
    return found


def test_what_is_as_it_must_be_is_not_complained_of() -> None:
    shown = crm(("100", {"website": "https://www.acme.se", **REGISTERED}), ("101", {"website": "other.se"}))
    assert invariants.violations(shown, ledger(registration(1, "acme.se")), capacities={1: 1}) == []


def test_a_run_in_which_nothing_came_about_has_held_nothing() -> None:
    [nothing] = invariants.violations(Crm(), ledger(), capacities={1: 1})
    assert "nothing was registered" in nothing


def test_a_registration_that_the_crm_does_not_show_or_shows_with_other_dates_is_seen() -> None:
    of = ledger(registration(1, "acme.se"))
    [hidden] = invariants.differences(crm(("100", {"website": "acme.se"})), of)
    assert "ledger says" in hidden
    late = REGISTERED | {"partner_registration_expires_on": "2028-01-01"}
    [wrong] = invariants.differences(crm(("100", {"website": "acme.se", **late})), of)
    assert "2028" in wrong


def test_a_registration_that_only_the_crm_knows_is_seen() -> None:
    found = invariants.differences(crm(("100", {"website": "acme.se", **REGISTERED})), ledger())
    assert any("none of ours" in line for line in found)


def test_too_many_at_once_are_seen_in_the_order_of_the_history() -> None:
    def event(what: str, registration_id: int) -> dict[str, Any]:
        return {"partner_id": 1, "event": what, "registration_id": registration_id, "domain": f"d{registration_id}.se"}

    of = ledger()
    of.history = [event("registered", 1), event("released", 1), event("registered", 2)]
    assert invariants.over_capacity(of, {1: 1}) == []
    of.history = [event("registered", 1), event("registered", 2), event("released", 1)]
    assert len(invariants.over_capacity(of, {1: 1})) == 1


def test_a_domain_registered_twice_is_seen() -> None:
    assert invariants.registered_twice(ledger(registration(1, "acme.se"), registration(2, "acme.se")))


def test_a_domain_that_was_registered_twice_for_a_while_is_seen() -> None:
    def event(what: str, registration_id: int) -> dict[str, Any]:
        return {"partner_id": 1, "event": what, "registration_id": registration_id, "domain": "acme.se"}

    of = ledger()
    of.history = [event("registered", 1), event("expired", 1), event("registered", 2)]
    assert invariants.registered_twice(of) == []
    of.history = [event("registered", 1), event("registered", 2), event("expired", 1)]
    assert len(invariants.registered_twice(of)) == 1


def asked(number: int, state: str, domain: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": number, "hub_id": 7, "partner_id": 1, "contact_id": "100", "company_id": None, "action": "register",
        "source": "crm", "state": state, "domain": domain, "registration_id": None,
    } | changed  # fmt: skip


def test_who_waits_while_a_slot_is_free_is_seen() -> None:
    pending = {"website": "acme.se", "partner_registration_status": "pending"}
    of = ledger(registration(1, "other.se"))
    of.requests = [asked(1, "waiting", "acme.se")]
    assert invariants.violations(crm(("100", pending)), of, capacities={1: 1}) == []
    [waits] = invariants.violations(crm(("100", pending)), of, capacities={1: 2})
    assert "acme.se" in waits
    # Nor does anybody wait for what the partner holds; but in a portal that registers nothing everybody does
    of.requests = [asked(1, "waiting", "other.se")]
    assert len(invariants.kept_waiting(of, {1: 1})) == 1
    of.portals[7]["mode"] = "paused"
    assert invariants.kept_waiting(of, {1: 2}) == []


def test_a_request_that_came_to_a_registration_which_there_is_not_is_seen() -> None:
    of = ledger(registration(1, "acme.se"))
    of.requests = [asked(1, "registered", "acme.se", registration_id=1)]
    assert invariants.registered_in_vain(of) == []
    of.requests = [asked(1, "registered", "acme.se", registration_id=2), asked(2, "registered", "acme.se")]
    assert len(invariants.registered_in_vain(of)) == 2


def test_a_submission_that_nobody_counted_is_outstanding_and_one_counted_for_nothing_is_wrong() -> None:
    shown = crm()
    shown.submissions = [
        Submission(hub_id=7, form_id="f", conversion_id=one, email=f"{one}@acme.se") for one in ("a", "b")
    ]
    of = ledger()
    of.requests = [{"id": 1, "hub_id": 7, "key": "form:f:a", "source": "form", "who": "form:f", "state": "registered"}]
    assert any("without a request" in line for line in invariants.outstanding(shown, of))
    # Nor if nothing at all was heard of that form, but not of one that does not register
    assert any("2 submissions without a request" in line for line in invariants.outstanding(shown, ledger()))
    assert invariants.outstanding(shown, replace(ledger(), forms={(8, "f")})) == []
    # But for one that was submitted by somebody who was deleted for privacy since
    shown.erased = {(7, "b@acme.se"): 1.0}
    assert not any("without a request" in line for line in invariants.outstanding(shown, of))
    of.requests.append({**of.requests[0], "id": 2, "key": "form:f:c"})
    assert len(invariants.submissions_counted_twice(shown, of)) == 1


def test_a_seed_gives_the_same_schedule_again_and_another_seed_another() -> None:
    assert of_seed(1, seconds=60) == of_seed(1, seconds=60)
    assert of_seed(1, seconds=60) != of_seed(2, seconds=60)
