"""Whatever is done on a page comes back to it: with what was sought there, in its order, on its page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.program import Validity
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.web.pages.coming_back import own, telling
from web.deployment import HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
EMOJI = "😀" * 200


def fields(html: str) -> dict[str, str]:
    """What a dialog sends beside the token."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html.partition("<dialog")[2])
    return {name: unescape(value) for name, value in found if name != "csrf"}


def back_of(html: str) -> str:
    """Where the page's form says that it stands."""
    found = re.search(r'<input type="hidden" name="back" value="([^"]*)"', html)
    assert found
    return unescape(found[1])


@pytest.mark.parametrize(
    ("address", "action"),
    [
        ("/capacity?q=bygg&sort=company&desc=1&page=2", "/capacity/deregister"),
        ("/leads/registered?q=bygg&sort=expires_on&page=2", "/capacity/deregister"),
        ("/leads/expiring?q=bygg&sort=expires_on&page=2", "/leads/expiring/renew"),
        ("/leads/expiring?q=bygg&sort=domain&days=14", "/leads/expiring/let_expire"),
    ],
)
def test_what_is_done_to_many_comes_back_to_the_list_as_it_was(
    as_: As, deployment: Deployment, address: str, action: str
) -> None:
    for number in range(52):
        deployment.registered(f"bygg{number:02}.se", validity=Validity(days=10))
    anna = as_(Role.MANAGER)
    page = anna.get(address)
    assert back_of(page.text) == address
    question = anna.submit(action, domain=["bygg00.se", "bygg01.se"], back=back_of(page.text))
    # "Cancel" leads there, too
    assert f'href="{address.replace("&", "&amp;")}" data-close' in question.text
    done = anna.submit(f"{action}/yes", **{**fields(question.text), "domain": ["bygg00.se", "bygg01.se"]})
    location = done.headers["location"]
    assert re.fullmatch(re.escape(address) + r"&job=\d+", location)
    assert anna.get(location).status_code == 200


def test_a_lead_is_given_up_on_its_page_and_that_is_where_one_comes_back_to(as_: As, deployment: Deployment) -> None:
    deployment.registered("granvik.se")
    anna = as_(Role.MANAGER)
    here = "/leads/domain/granvik.se"
    question = anna.submit("/capacity/deregister", domain="granvik.se", back=here)
    done = anna.submit("/capacity/deregister/yes", **fields(question.text))
    assert done.headers["location"].startswith(f"{here}?job=")


def test_an_exchange_and_a_confirmation_come_back_to_the_list_as_it_was(as_: As, deployment: Deployment) -> None:
    deployment.registered("held.se")
    deployment.registered("left.se", contact_id="8")
    wanted = deployment.asked("7", state=State.WAITING, domain="wanted.se")
    asked = deployment.asked("8", state=State.CONFIRMING, domain="left.se", action=Action.DEREGISTER)
    anna = as_(Role.MANAGER)
    pending = anna.get("/leads/pending?q=wanted&sort=domain").text
    link = re.search(r'href="(/leads/pending/\d+/exchange[^"]*)"', pending)
    assert link
    choosing = anna.get(unescape(link[1]))
    assert back_of(choosing.text) == "/leads/pending?q=wanted&sort=domain"
    question = anna.submit(f"/leads/pending/{wanted}/exchange", domain="held.se", back=back_of(choosing.text))
    done = anna.submit(f"/leads/pending/{wanted}/exchange/yes", **fields(question.text))
    assert done.headers["location"] == "/leads/pending?q=wanted&sort=domain&told=exchanged"

    question = anna.submit(f"/leads/deregistrations/{asked}/confirm", back="/leads/domain/left.se")
    done = anna.submit(f"/leads/deregistrations/{asked}/confirm/yes", **fields(question.text))
    assert done.headers["location"] == "/leads/domain/left.se?told=confirmed"


def test_operators_come_back_to_their_page_of_marks_and_holds(as_: As, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        ids = [str(number) for number in range(1, 61)]
        mark(tx, HUB, Kind.CONTACT, ids, priority=Priority.POLL, cause="poll", delay=timedelta())
        tx.connection.execute(text("UPDATE marks SET parked_at = now() - object_id::int * INTERVAL '1 second'"))
    bo = as_(Role.OPERATOR)
    first = bo.get("/operations/marks").text
    following = re.search(r'rel="next" href="([^"]+)"|href="([^"]+)" rel="next"', first)
    assert following
    here = unescape(following[1] or following[2])
    page = bo.get(here).text
    assert back_of(page) == here
    done = bo.submit("/operations/marks/retry", on="/operations/marks", mark="contact:60", back=here)
    assert done.headers["location"] == f"{here}&done=retried&n=1"
    # Nothing is left of a page: the first one is shown, not that there is nothing
    bo.submit("/operations/marks/retry", on="/operations/marks", mark=[f"contact:{n}" for n in range(51, 60)])
    assert "contact:1" in bo.get(here).text

    bo.submit("/operations/holds", on="/operations/holds", domain="held.se", kind="existing_customer")
    here = "/operations/holds?q=held"
    lifted = bo.submit("/operations/holds/lift", on="/operations/holds", domain="held.se", back=here)
    assert lifted.headers["location"] == f"{here}&done=hold-lifted"


def test_the_longest_search_comes_back_too_and_no_address_of_others(as_: As, deployment: Deployment) -> None:
    deployment.registered("a.se")
    anna = as_(Role.MANAGER)
    back = back_of(anna.get("/leads/registered", params={"q": EMOJI}).text)
    question = anna.submit("/capacity/deregister", domain="a.se", back=back)
    done = anna.submit("/capacity/deregister/yes", **fields(question.text))
    assert done.headers["location"].startswith(f"{back}&job=")
    for evil in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        question = anna.submit("/capacity/deregister", domain="a.se", back=evil)
        assert "evil" not in question.text
        assert own(evil) == "/capacity"


def test_what_was_told_before_is_not_told_again() -> None:
    assert (
        telling("/leads/invalid?q=a&told=asked&job=1&done=x&n=2", told="withdrawn")
        == "/leads/invalid?q=a&told=withdrawn"
    )
    assert telling("/leads/invalid", job=7) == "/leads/invalid?job=7"
    assert telling("/leads/invalid?told=asked", done="x", n=None) == "/leads/invalid?done=x"
