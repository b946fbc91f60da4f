"""One lead: its state, its history in words, its requests and records, and what can be done."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action, Source
from syncworker.sync import operations
from syncworker.sync.marks import Kind, Priority, mark
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
PATH = "/leads/domain/granvik.se"


@pytest.fixture
def lead(deployment: Deployment) -> Deployment:
    deployment.record("1", name="<b>Ada</b>", country="Sweden", domain="granvik.se")
    deployment.registered("granvik.se", company_id=None)
    return deployment


def test_it_shows_its_state_its_history_in_words_and_its_record(as_: As, lead: Deployment) -> None:
    operations.set_renewal(lead.context, HUB, "granvik.se", renew=True, who="anna@acme.se")
    anna = as_(Role.MANAGER)
    page = anna.get(PATH).text
    for words in ("Registered", "Renewal at expiry was switched", "by anna@acme.se", "&lt;b&gt;Ada", "Let expire"):
        assert words in page, words
    assert "<b>Ada" not in page
    assert f"/contacts/{HUB}/record/0-1/1" in page
    assert "Historik" in anna.get(f"{PATH}?lang=sv").text
    # However the domain is written, it is the same lead
    assert anna.get("/leads/domain/WWW.Granvik.se").status_code == 200


def test_what_its_record_shows_begins_with_its_state_and_ends_with_what_is_not_ours(as_: As, lead: Deployment) -> None:
    # As the database gives it back: by length, then by the alphabet
    shows = text("""
        UPDATE records SET written = '{"a_field_of_theirs": "x", "partner_registered_on": "2026-01-02",
            "partner_registered_domain": "granvik.se", "partner_registration_detail": "",
            "partner_registration_status": "registered", "partner_registration_expires_on": "2027-01-01"}'
    """)
    lead.database.run(lambda tx: tx.connection.execute(shows))
    assert re.findall(r'<code class="second">(\w+)</code>', as_(Role.VIEWER).get(PATH).text) == [
        "partner_registration_status", "partner_registration_detail", "partner_registered_domain",
        "partner_registered_on", "partner_registration_expires_on", "a_field_of_theirs",
    ]  # fmt: skip


def test_a_manager_switches_its_renewal_takes_a_deregistration_back_and_has_it_looked_at(
    as_: As, lead: Deployment
) -> None:
    anna = as_(Role.MANAGER)
    renews = anna.submit(f"{PATH}/renewal", renew="1")
    assert "The lead renews at expiry." in anna.get(renews.headers["location"]).text
    assert "put right now" in anna.get(anna.submit(f"{PATH}/look").headers["location"]).text
    assert lead.rows(text("SELECT FROM marks WHERE object_id = '1'"))
    operations.deregister(lead.context, HUB, "granvik.se", who="anna", source=Source.APP)
    assert "Undo deregistration" in anna.get(PATH).text
    back = anna.submit(f"{PATH}/undo")
    assert "registered again, as before" in anna.get(back.headers["location"]).text
    assert anna.submit(f"{PATH}/undo").status_code == 409


def test_what_is_refused_says_why_and_can_be_asked_for_again(as_: As, deployment: Deployment) -> None:
    request_id = deployment.asked("7", state=State.UNAVAILABLE, domain="granvik.se")
    lift = text("UPDATE requests SET reason = 'existing_customer'")
    deployment.database.run(lambda tx: tx.connection.execute(lift))
    anna = as_(Role.MANAGER)
    page = anna.get(PATH).text
    assert "granvik.se belongs to an existing customer" in page
    assert f"/leads/requests/{request_id}/again" in page
    asked = anna.submit(f"/leads/requests/{request_id}/again", back=PATH)
    assert "decided within seconds" in anna.get(asked.headers["location"]).text
    assert len(deployment.rows(text("SELECT FROM requests WHERE contact_id = '7'"))) == 2


def test_a_deregistration_that_was_asked_for_is_decided_here(as_: As, lead: Deployment) -> None:
    asked = lead.asked("1", state=State.CONFIRMING, domain="granvik.se", action=Action.DEREGISTER)
    page = as_(Role.MANAGER).get(PATH).text
    assert "Waits for a manager" in page
    assert f"/leads/deregistrations/{asked}/confirm" in page


def test_where_hubspot_does_not_answer_what_was_last_seen_is_shown(as_: As, lead: Deployment) -> None:
    page = as_(Role.VIEWER).get(f"{PATH}?compare=1")
    assert page.status_code == 200
    assert "HubSpot does not answer" in page.text


def test_what_nobody_here_has_to_do_with_is_not_there(as_: As, lead: Deployment) -> None:
    lead.portal(OTHER_HUB, partner="Beta")
    lead.registered("beta.se", hub_id=OTHER_HUB)
    anna = as_(Role.MANAGER, portals=[HUB])
    for name in ("beta.se", "never.se", "nonsense", "127.0.0.1", "x" * 3000):
        assert anna.get(f"/leads/domain/{name}").status_code == 404, name
    # What could be a lead is said to be none, and offered to those who may register; other partners' are no different
    for name in ("beta.se", "never.se"):
        page = anna.get(f"/leads/domain/www.{name}").text
        assert f"Nothing is known of {name}" in page
        assert f'href="/register?lead={name}"' in page
    viewer = as_(Role.VIEWER, portals=[HUB])
    assert "Nothing is known of never.se" in viewer.get("/leads/domain/never.se").text
    assert "/register?" not in viewer.get("/leads/domain/never.se").text
    assert "There is nothing here" in anna.get("/leads/domain/nonsense").text
    for deed in ("undo", "renewal", "look"):
        assert anna.submit(f"/leads/domain/beta.se/{deed}", renew="1").status_code in {404, 409}, deed


@pytest.mark.parametrize("deed", ["undo", "renewal", "look"])
def test_a_viewer_changes_nothing_and_nobody_without_the_sessions_token(as_: As, lead: Deployment, deed: str) -> None:
    viewer = as_(Role.VIEWER)
    assert viewer.submit(f"{PATH}/{deed}", renew="1").status_code == 403
    assert as_(Role.MANAGER).post(f"{PATH}/{deed}", data={"renew": "1"}).status_code == 403
    assert "Look again now" not in viewer.get(PATH).text


def test_what_a_form_registered_names_the_form(as_: As, lead: Deployment) -> None:
    operations.set_renewal(lead.context, HUB, "granvik.se", renew=True, who="form:7f3c")
    anna = as_(Role.MANAGER)
    # Disabled since, and so known by its id alone
    assert "by form 7f3c" in anna.get(PATH).text
    form = text("INSERT INTO forms (hub_id, form_id, name, enabled_at) VALUES (:hub_id, '7f3c', 'Be om demo', now())")
    lead.database.run(lambda tx: tx.connection.execute(form, {"hub_id": HUB}))
    assert "by form Be om demo" in anna.get(PATH).text


def test_what_is_registered_and_was_never_deregistered_cannot_be_undone_and_is_not_said_to_be_late(
    as_: As, lead: Deployment
) -> None:
    refused = as_(Role.MANAGER).submit(f"{PATH}/undo")
    assert refused.status_code == 409
    assert "There is no deregistration of granvik.se to undo: it is registered." in refused.text


def test_a_lead_whose_record_is_parked_says_why_and_an_operator_is_led_there(as_: As, lead: Deployment) -> None:
    with lead.database.transaction() as tx:
        mark(tx, HUB, Kind.CONTACT, ["1"], priority=Priority.POLL, cause="a test")
        parked = text("UPDATE marks SET parked_at = now(), last_error = 'HubSpot answered 404'")
        tx.connection.execute(parked)
    page = as_(Role.OPERATOR).get(PATH).text
    assert "HubSpot is not kept up to date with this lead." in page
    assert "It was deleted while it was worked on." in page
    assert 'href="/operations/marks' in page
    assert 'href="/operations/marks' not in as_(Role.VIEWER).get(PATH).text
