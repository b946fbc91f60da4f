"""What must be true in the end, whatever broke? Each check returns what is not, in sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from faults.truth import Crm, CrmRecord, Ledger, day

# Waits for a person for a reason that a person understands, and that no fault explains away.
PERSONS_REASONS = ("does not keep our values", "set back", "three times")


def outstanding(crm: Crm, ledger: Ledger) -> list[str]:
    """What is still under way: nothing of it may be left for good."""
    found = []
    if crm.undelivered:
        found.append(f"{crm.undelivered} webhook events not delivered")
    if ledger.inbox:
        found.append(f"{ledger.inbox} webhooks not expanded")
    marks = [mark for mark in ledger.marks if mark["parked_at"] is None]
    if marks:
        shown = ", ".join(
            f"{m['kind']} {m['object_id']} ({m['cause']}, attempts {m['attempts']}, "
            f"in {(m['not_before'] - ledger.now).total_seconds():.0f} s"
            f"{', ' + m['last_error'][:80] if m['last_error'] else ''})"
            for m in marks[:3]
        )
        found.append(f"{len(marks)} marks: {shown}")
    undecided = [one["id"] for one in ledger.requests if one["state"] == "processing" and not _is_nobodys(one, crm)]
    if undecided:
        found.append(f"{len(undecided)} requests not decided: {undecided[:5]}")
    ending = [one["domain"] for one in ledger.registrations if _is_overdue(one, ledger)]
    if ending:
        found.append(f"{len(ending)} registrations that should have ended: {ending[:5]}")
    found += [
        f"portal {hub_id} is blocked: {portal['blocked_reason']}"
        for hub_id, portal in ledger.portals.items()
        if portal["blocked_until"] is not None and portal["blocked_until"] > ledger.now
    ]
    missing = missing_submissions(crm, ledger)
    if missing:
        found.append(f"{len(missing)} submissions without a request: {missing[:3]}")
    return found


def _is_nobodys(request: dict[str, Any], crm: Crm) -> bool:
    """A submission whose contact was deleted, or merged into another, before it was found: asked for for a day."""
    emails = {record.properties.get("email") for record in crm.records.values() if record.kind == "contact"}
    return request["contact_id"] is None and request["email"] not in emails


def _is_overdue(registration: dict[str, Any], ledger: Ledger) -> bool:
    assert ledger.now is not None
    undo = registration["undo_until"]
    return registration["ended_at"] is None and (
        registration["expires_at"] <= ledger.now or (undo is not None and undo <= ledger.now)
    )


def missing_submissions(crm: Crm, ledger: Ledger) -> list[str]:
    """Submissions of forms that register, and of which nobody knows. Of who was erased since, nobody need know."""
    keys = {(one["hub_id"], one["key"]) for one in ledger.requests}
    return [
        f"{one.email} ({one.conversion_id})"
        for one in crm.submissions
        if (one.hub_id, one.form_id) in ledger.forms
        and (one.hub_id, f"form:{one.form_id}:{one.conversion_id}") not in keys
        and one.at >= crm.erased.get((one.hub_id, one.email), 0.0)
    ]


def violations(crm: Crm, ledger: Ledger, *, capacities: dict[int, int]) -> list[str]:
    """All that is not as it must be, once nothing is outstanding."""
    return [
        # What the load could not do is left out: where that was all of it, nothing could have been lost.
        *([] if ledger.registrations else ["nothing was registered: this run says nothing"]),
        *parked_for_no_reason(ledger),
        *submissions_counted_twice(crm, ledger),
        *over_capacity(ledger, capacities),
        *registered_twice(ledger),
        *kept_waiting(ledger, capacities),
        *registered_in_vain(ledger),
        *differences(crm, ledger),
    ]


def parked_for_no_reason(ledger: Ledger) -> list[str]:
    """What waits for a person must say why, and only what a person has to do with may wait for one."""
    return [
        f"{mark['kind']} {mark['object_id']} is parked: {mark['last_error']}"
        for mark in ledger.marks
        if mark["parked_at"] is not None and not any(why in (mark["last_error"] or "") for why in PERSONS_REASONS)
    ]


def submissions_counted_twice(crm: Crm, ledger: Ledger) -> list[str]:
    """One submission, one request."""
    forms = Counter((one.hub_id, f"form:{one.form_id}:{one.conversion_id}") for one in crm.submissions)
    keys = Counter((one["hub_id"], one["key"]) for one in ledger.requests if one["source"] == "form")
    return [f"request {key} counts {count} times" for key, count in keys.items() if count > 1] + [
        f"request {key} is of no submission" for key in keys.keys() - forms.keys()
    ]


def over_capacity(ledger: Ledger, capacities: dict[int, int]) -> list[str]:
    """Never more active at once than capacity, by deciding: in the order in which the ledger wrote its history."""
    held: dict[int, set[int]] = defaultdict(set)
    found = []
    for event in ledger.history:
        registration = event["registration_id"]
        of = held[event["partner_id"]]
        if event["event"] in {"registered", "imported"}:
            of.add(registration)
            # An import is a person's word: it may exceed, and then nothing is registered until it is under again.
            if event["event"] == "registered" and len(of) > capacities.get(event["partner_id"], 10**9):
                found.append(f"partner {event['partner_id']} had {len(of)} active when {event['domain']} came")
        elif event["event"] in {"released", "expired"}:
            of.discard(registration)
    return found


def registered_twice(ledger: Ledger) -> list[str]:
    """At most one registration of a domain: now, and at any instant, in the order of the history."""
    found = []
    holds: dict[str, int] = {}
    for event in ledger.history:
        domain, registration = event["domain"], event["registration_id"]
        if event["event"] in {"registered", "imported"}:
            if holds.setdefault(domain, registration) != registration:
                found.append(f"{domain} was registered again ({registration}) while {holds[domain]} was not over")
        elif event["event"] in {"released", "expired"} and holds.get(domain) == registration:
            del holds[domain]
    of_domain: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in ledger.registrations:
        of_domain[one["domain"]].append(one)
    for domain, claims in of_domain.items():
        for before, after in pairwise(claims):
            if before["ended_at"] is None:
                found.append(f"{domain} has been registered again ({after['id']}) while {before['id']} is active")
    return found


def kept_waiting(ledger: Ledger, capacities: dict[int, int]) -> list[str]:
    """Nobody waits while a slot is free, or for what the partner holds: nothing would ever come of it."""
    held: dict[int, set[str]] = defaultdict(set)
    for one in ledger.registrations:
        if one["ended_at"] is None:
            held[one["partner_id"]].add(one["domain"])
    return [
        f"request {one['id']} waits for {one['domain']}, with {len(held[one['partner_id']])} slots taken"
        for one in ledger.requests
        if one["state"] == "waiting"
        and ledger.portals[one["hub_id"]]["mode"] == "write"
        and (
            one["domain"] in held[one["partner_id"]]
            or len(held[one["partner_id"]]) < capacities.get(one["partner_id"], 0)
        )
    ]


def registered_in_vain(ledger: Ledger) -> list[str]:
    """What was told to be registered is, or was, a registration."""
    known = {one["id"] for one in ledger.registrations}
    return [
        f"request {one['id']} came to a registration of {one['domain']}, which there never was"
        for one in ledger.requests
        if one["state"] == "registered" and one["registration_id"] not in known
    ]


def differences(crm: Crm, ledger: Ledger) -> list[str]:
    """Where the CRM does not show what the ledger says."""
    parked = {(m["hub_id"], m["kind"], m["object_id"]) for m in ledger.marks if m["parked_at"] is not None}
    view = _View(crm, ledger)
    found: list[str] = []
    for key, record in sorted(crm.records.items()):
        if key in parked:
            continue
        found += view.of_contact(record) if record.kind == "contact" else view.of_company(record)
    return found


class _View:
    """What each record must show, worked out from the ledger's rows."""

    def __init__(self, crm: Crm, ledger: Ledger) -> None:
        self.crm = crm
        self.ledger = ledger
        self.active = {hub_id: ledger.active(hub_id) for hub_id in ledger.portals}
        self.requests: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
        self.of_company_requests: set[tuple[int, str]] = set()
        for one in ledger.requests:
            self.requests[one["hub_id"], one["contact_id"]].append(one)
            if one["company_id"]:
                self.of_company_requests.add((one["hub_id"], one["company_id"]))
        self.leads = {(one["hub_id"], one["contact_id"]) for one in ledger.registrations}
        self.companies = {(one["hub_id"], one["company_id"]) for one in ledger.registrations}
        self.ever = {(one["partner_id"], one["domain"]) for one in ledger.registrations}

    def of_contact(self, record: CrmRecord) -> Iterator[str]:
        """What is wrong with a contact."""
        domain = self.crm.domain_of(record)
        claim = self.active[record.hub_id].get(domain or "")
        said = f"contact {record.id} of {record.hub_id} ({domain})"
        if record.properties.get("partner_registration_request"):
            yield f"{said} still asks: {record.properties['partner_registration_request']}"
        if claim is not None:
            yield from self._shows(record, claim, said)
            return
        asked = self.requests.get((record.hub_id, record.id), [])
        if self._is_untouched(record, domain) and not asked:
            if record.ours():
                yield f"{said} is none of ours and has {record.ours()}"
            return
        yield from self._shows_nothing_that_is_not_so(record, said)
        open_states = {one["state"] for one in asked if one["action"] == "register"}
        status = record.properties.get("partner_registration_status")
        if "waiting" in open_states and status != "pending":
            yield f"{said} waits, and shows {status}"
        elif "invalid_data" in open_states and "waiting" not in open_states and status != "invalid_data":
            yield f"{said} has bad data, and shows {status}"

    def of_company(self, record: CrmRecord) -> Iterator[str]:
        """What is wrong with a company."""
        domain = self.crm.domain_of(record)
        claim = self.active[record.hub_id].get(domain or "")
        said = f"company {record.id} of {record.hub_id} ({domain})"
        if claim is not None and record.properties.get("partner_registration_status") != "registered":
            yield f"{said} is registered, and shows {record.ours()}"
        yield from self._shows_nothing_that_is_not_so(record, said)
        asked = (record.hub_id, record.id) in self.of_company_requests
        if record.ours() and self._is_untouched(record, domain) and not asked:
            yield f"{said} is none of ours and has {record.ours()}"

    def _is_untouched(self, record: CrmRecord, domain: str | None) -> bool:
        partner = self.ledger.portals[record.hub_id]["partner_id"]
        key = (record.hub_id, record.id)
        return (partner, domain) not in self.ever and key not in self.leads and key not in self.companies

    def _shows_nothing_that_is_not_so(self, record: CrmRecord, said: str) -> Iterator[str]:
        """Who shows a registration shows one that is there, with its dates."""
        if record.properties.get("partner_registration_status") == "registered":
            shown = record.properties.get("partner_registered_domain") or ""
            claim = self.active[record.hub_id].get(shown)
            if claim is None:
                yield f"{said} shows a registration of {shown or 'nothing'}, which there is not"
            else:
                yield from self._shows(record, claim, said)

    @staticmethod
    def _shows(record: CrmRecord, claim: dict[str, Any], said: str) -> Iterator[str]:
        has = record.properties
        wanted = ("registered", claim["domain"], claim["registered_on"], claim["expires_on"])
        shown = (
            has.get("partner_registration_status"),
            has.get("partner_registered_domain"),
            day(has.get("partner_registered_on")),
            day(has.get("partner_registration_expires_on")),
        )
        if wanted != shown:
            yield f"{said} shows {shown}, and the ledger says {wanted}"
