"""Does the page of a lead know all that happened, what its records show, and what can be done?"""

from __future__ import annotations

import pytest

from support.rig import Rig
from syncworker.registration.ledger.history import Happened
from syncworker.registration.rules.terms import Source, Status
from syncworker.sync import operations
from syncworker.sync.lists import one_lead
from syncworker.sync.lists.check import check_meant
from syncworker.sync.lists.event_words import EVENT_WORDS
from syncworker.sync.lists.finding import NotFound
from syncworker.sync.lists.one_lead import Deed, Lead
from syncworker.sync.marks import Kind

EMAIL, DOMAIN = "ada@fjordline-tools.se", "fjordline-tools.se"


def see(rig: Rig, domain: str = DOMAIN, *, hub_id: int | None = None) -> Lead:
    with rig.context.database.transaction() as tx:
        return one_lead.lead(tx, hub_id or rig.hub, domain)


def test_a_registered_lead_shows_its_history_its_records_and_what_can_be_done(rig: Rig) -> None:
    rig.submit(EMAIL)
    rig.settle()
    found = see(rig)
    assert found.line is not None
    assert found.line.status is Status.REGISTERED
    assert [entry.event for entry in found.history] == [Happened.REGISTERED]
    assert [request.state.value for request in found.known.requests] == ["registered"]
    contact, company = found.records
    assert (contact.kind, contact.name, contact.is_there) == (Kind.CONTACT, "Ada Berg", True)
    assert contact.address.endswith(f"/record/0-1/{rig.contact_id(EMAIL)}")
    assert contact.shown["partner_registration_status"] == company.shown["partner_registration_status"] == "registered"
    assert found.deeds == {Deed.DEREGISTER, Deed.RENEW, Deed.LOOK_AGAIN}
    assert one_lead.differences(rig.context, rig.hub, DOMAIN) == ()


def test_what_hubspot_shows_otherwise_is_named_and_looking_again_mends_it(rig: Rig) -> None:
    rig.submit(EMAIL)
    rig.settle()
    rig.sandbox.edit(rig.hub, "contact", rig.contact_id(EMAIL), {"partner_registration_status": "expired"})
    [difference] = one_lead.differences(rig.context, rig.hub, DOMAIN)
    assert (difference.property, difference.crm, difference.ledger) == (
        "partner_registration_status", "expired", "registered",
    )  # fmt: skip
    assert one_lead.look_again(rig.context, rig.hub, DOMAIN) == 2
    rig.settle()
    assert rig.status(EMAIL)[0] == "registered"


def test_what_can_be_done_follows_what_is_so(rig: Rig) -> None:
    assert see(rig, "never.se").deeds == {Deed.REGISTER, Deed.LOOK_AGAIN}
    assert not see(rig, "never.se").is_known
    rig.submit(EMAIL)
    rig.settle()
    operations.deregister(rig.context, rig.hub, DOMAIN, who="marta", source=Source.APP)
    assert see(rig).deeds == {Deed.UNDO, Deed.LOOK_AGAIN}
    rig.pass_time(minutes=11)
    rig.settle()
    assert see(rig).deeds == {Deed.REGISTER_AGAIN, Deed.LOOK_AGAIN}


def test_another_partner_sees_nothing_of_it(rig: Rig) -> None:
    rig.submit(EMAIL)
    rig.settle()
    theirs = see(rig, hub_id=rig.other_hub)
    assert (theirs.line, theirs.records, theirs.history, theirs.is_known) == (None, (), (), False)


def test_a_lead_is_checked_by_its_contacts_id_email_or_domain(rig: Rig) -> None:
    rig.submit(EMAIL)
    rig.settle()
    contact = rig.contact_id(EMAIL)
    for text in (contact, EMAIL, DOMAIN, f"https://www.{DOMAIN}/about"):
        checked = check_meant(rig.context, rig.hub, text, source=Source.APP)
        assert (checked.contact_id, checked.domain, checked.decision.status) == (contact, DOMAIN, Status.REGISTERED)
    with pytest.raises(NotFound):
        check_meant(rig.context, rig.hub, "nobody@nowhere.se", source=Source.APP)


@pytest.mark.parametrize("digits", [20, 23, 300])
def test_a_number_that_is_too_long_for_an_id_is_said_to_be_that(rig: Rig, digits: int) -> None:
    with pytest.raises(NotFound, match="is no id of HubSpot: it has more than 19 digits"):
        check_meant(rig.context, rig.hub, "9" * digits, source=Source.APP)


def test_every_event_has_words() -> None:
    assert set(EVENT_WORDS) == set(Happened)
