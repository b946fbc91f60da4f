"""Pages show a domain as people read it, and lead to it by how it is kept."""

from __future__ import annotations

from collections.abc import Callable

from syncworker.access.roles import Role
from web.deployment import Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
KEPT = "xn--rksmrgs-5wao1o.se"
# A Cyrillic a in paypal
DECEIVES = "xn--pypal-4ve.com"


def test_a_domain_is_read_as_it_is_written_and_one_that_deceives_is_not(as_: As, deployment: Deployment) -> None:
    for domain in (KEPT, DECEIVES):
        deployment.registered(domain, contact_id=None, company_id=None)
    anna = as_(Role.MANAGER)
    for path in ("/capacity?q=räksm", "/leads/registered?q=RÄKSMÖRGÅS.se", f"/leads/registered?q={KEPT}"):
        page = anna.get(path).text
        assert f'href="/leads/domain/{KEPT}"><span title="{KEPT}">räksmörgås.se</span></a>' in page, path
    assert f">{DECEIVES}</a>" in anna.get("/capacity").text
    lead = anna.get("/leads/domain/räksmörgås.se").text
    assert "<h1>räksmörgås.se</h1>" in lead
    assert f"<code>{KEPT}</code>" in lead
    question = anna.submit("/capacity/deregister", domain=[KEPT]).text
    assert "räksmörgås.se</span></li>" in question
    assert f'name="domain" value="{KEPT}"' in question
    file = anna.get("/leads/registered.csv").text
    assert f"\r\n{KEPT}," in file
    assert ",räksmörgås.se\r\n" in file
