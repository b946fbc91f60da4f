"""Each route of the app lets in whom it should and nobody else, and knows nothing of another portal's.

Walked from the app itself, against one table: a new route stands in no row, and fails here until somebody says whose
it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Action, Source
from syncworker.sync.jobs import job, lead_file
from syncworker.sync.jobs.job import JobAction
from syncworker.sync.resync import resync
from syncworker.web.recognising import SAFE
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]

_OPEN = """
    GET /health/live        GET /health/ready       GET /metrics            GET,HEAD /static/{name}
    GET,POST /login         GET /login/once/{token} POST /logout            GET /
"""
_VIEWER = """
    GET /capacity                   GET /live                       GET /leads
    GET /leads/{which}              GET /leads/{which}.csv          GET /leads/domain/{domain}
    GET /jobs/{job_id}              GET /runbook

    GET /api/v1/capacity            GET /api/v1/registrations       GET /api/v1/domains/{domain}/history
    GET /api/v1/requests            GET /api/v1/leads/{which}       GET /api/v1/leads/{which}.csv
    GET /api/v1/leads/domain/{domain}
    GET /api/v1/jobs                GET /api/v1/jobs/{job_id}       GET /api/v1/jobs/{job_id}/items
    GET,POST /api/v1/notices        GET /api/v1/notices/sent
"""
_MANAGER = """
    POST /capacity/deregister                       POST /capacity/deregister/yes
    POST /jobs/{job_id}/undo
    POST /leads/domain/{domain}/undo                POST /leads/domain/{domain}/renewal
    POST /leads/domain/{domain}/look
    POST /leads/expired/fitting                     POST /leads/expired/fitting/yes
    POST /leads/{which}/{action}                    POST /leads/{which}/{action}/yes
    POST /leads/pending/{request_id}/move           GET,POST /leads/pending/{request_id}/exchange
    POST /leads/pending/{request_id}/exchange/yes   POST /leads/deregistrations/{request_id}/confirm
    POST /leads/deregistrations/{request_id}/confirm/yes
    POST /leads/deregistrations/{request_id}/refuse
    POST /leads/requests/{request_id}/withdraw      POST /leads/requests/{request_id}/again
    GET,POST /register                              GET /register/asked/{request_id}
    POST /register/files                            GET /register/files/{file_id}
    POST /register/files/{file_id}/go               POST /register/files/{file_id}/discard
    POST /register/files/{file_id}/again            GET /register/files/{file_id}/{which}.csv

    POST /api/v1/registrations                      DELETE /api/v1/registrations/{domain}
    POST /api/v1/registrations/{domain}/undo        POST /api/v1/registrations/{domain}/confirmation
    POST /api/v1/registrations/{domain}/renewal     POST /api/v1/registrations/{domain}/lead-contact
    POST /api/v1/registrations/{domain}/leave       POST /api/v1/leads/domain/{domain}/look
    POST /api/v1/requests/{request_id}/confirm      POST /api/v1/requests/{request_id}/refuse
    POST /api/v1/requests/{request_id}/move         POST /api/v1/requests/{request_id}/exchange
    POST /api/v1/requests/{request_id}/withdraw     POST /api/v1/requests/{request_id}/retry
    POST /api/v1/jobs                               POST /api/v1/jobs/{job_id}/undo
    POST /api/v1/lead-files                         GET /api/v1/lead-files/{file_id}
    GET /api/v1/lead-files/{file_id}/failures.csv   POST /api/v1/lead-files/{file_id}/again
    GET /api/v1/leads/check
"""
_OPERATOR = """
    GET /openapi.json
    GET /operations                                 POST /operations/pause
    POST /operations/unpause                        GET /operations/marks
    POST /operations/marks/retry                    POST /operations/marks/dismiss
    POST /operations/marks/dismiss/yes              GET,POST /operations/resyncs
    POST /operations/resyncs/{resync_id}/pause      POST /operations/resyncs/{resync_id}/resume
    GET,POST /operations/resyncs/{resync_id}/cancel
    GET /operations/forms                           POST /operations/forms/switch
    GET /operations/forms/{form_id}/trial           GET,POST /operations/holds
    POST /operations/holds/lift                     POST /operations/holds/import
    GET /operations/history                         GET /operations/marks.csv
    GET /operations/resyncs.csv                     GET /operations/forms.csv
    GET /operations/holds.csv                       GET /operations/history.csv

    GET /api/v1/marks                               POST /api/v1/marks/retry
    POST /api/v1/marks/dismiss                      GET,POST /api/v1/resyncs
    GET /api/v1/resyncs/{resync_id}                 POST /api/v1/resyncs/{resync_id}/pause
    POST /api/v1/resyncs/{resync_id}/resume         POST /api/v1/resyncs/{resync_id}/cancel
    GET /api/v1/portals/{hub_id}                    POST /api/v1/portals/{hub_id}/pause
    POST /api/v1/portals/{hub_id}/unpause           GET /api/v1/forms
    POST /api/v1/forms/{form_id}/enable             POST /api/v1/forms/{form_id}/disable
    GET /api/v1/forms/{form_id}/trial               GET,POST /api/v1/holds
    DELETE /api/v1/holds/{domain}                   POST /api/v1/holds/import
    GET /api/v1/history
"""


def _rows(table: str) -> set[tuple[str, str]]:
    found = re.findall(r"([A-Z,]+) (/\S*)", table)
    return {(method, path) for methods, path in found for method in methods.split(",")}


LEAST: Mapping[tuple[str, str], Role | None] = {
    **dict.fromkeys(_rows(_OPEN), None),
    **dict.fromkeys(_rows(_VIEWER), Role.VIEWER),
    **dict.fromkeys(_rows(_MANAGER), Role.MANAGER),
    **dict.fromkeys(_rows(_OPERATOR), Role.OPERATOR),
}
NOBODYS = {
    "job_id": "999", "request_id": "999", "resync_id": "999", "file_id": "999", "domain": "unheard-of.se",
    "form_id": "no-such-form", "hub_id": "1", "action": "register_again",
}  # fmt: skip
# What a change has to say to be looked at: else it would be refused for that.
SAYS: Mapping[str, Mapping[str, Any]] = {
    "move": {"to": 1},
    "exchange": {"domain": "unheard-of.se"},
    "exchange/yes": {"domain": "unheard-of.se"},
    "renewal": {"renew": True},
    "confirmation": {"confirmation": "confirmed"},
    "lead-contact": {"contact_id": "7"},
}


def walked(app: FastAPI) -> Iterator[tuple[str, str]]:
    for included in app.routes:
        # FastAPI's own name for what a router that was included brings.
        for route in included.effective_route_contexts():  # type: ignore[attr-defined] # not in its public types
            yield from ((method, route.path) for method in route.methods)


def ask(browser: Browser, method: str, path: str, names: Mapping[str, str], *, token: str) -> httpx.Response:
    is_api = path.startswith(("/api/", "/openapi"))
    which = "failures" if "files" in path else "expired"
    filled = path.format(**{**names, "which": which})
    headers = {"accept": "*/*" if is_api else "text/html", "x-csrf-token": token}
    action = next((says for end, says in SAYS.items() if path.endswith(f"/{end}")), {})
    if method in SAFE:
        return browser.request(method, filled, headers=headers)
    sent: dict[str, Any] = {"json": action} if is_api and action else {"data": action} if action else {}
    return browser.request(method, filled, headers=headers, **sent)


def is_sent_away(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/login")


def test_every_route_stands_in_the_table(served: tuple[FastAPI, httpx.URL]) -> None:
    assert sorted(set(walked(served[0])) ^ LEAST.keys()) == []


def test_nobody_comes_in_without_signing_in(as_: As, deployment: Deployment) -> None:
    stranger = as_()
    wrong = []
    for (method, path), least in LEAST.items():
        if least is None:
            continue
        answer = ask(stranger, method, path, NOBODYS, token=stranger.token("/login"))
        if not (answer.status_code == 401 if path.startswith(("/api/", "/openapi")) else is_sent_away(answer)):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
def test_a_role_comes_in_where_it_may_and_nowhere_else(as_: As, deployment: Deployment, role: Role) -> None:
    browser = as_(role)
    token = browser.token()
    wrong = []
    for (method, path), least in LEAST.items():
        if least is None:
            continue
        # Let in, it names a portal that is not there, so that nothing is done.
        named = path if not role.includes(least) or path.startswith("/openapi") else f"{path}?portal=1"
        answer = ask(browser, method, named, NOBODYS, token=token)
        refused = answer.status_code == 403
        if refused is role.includes(least) or answer.status_code in {401, 500} or is_sent_away(answer):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_what_is_another_portals_is_nowhere_to_be_found(as_: As, deployment: Deployment) -> None:
    theirs = of_another_portal(deployment)
    before = deployment.rows(text("SELECT count(*) FROM history"))
    operator = as_(Role.OPERATOR, portals=[HUB])
    token = operator.token()
    wrong = []
    for method, path in LEAST:
        # Holds are everybody's; a form is HubSpot's, which test_forms_page.py asks; a link is nobody's.
        if "/holds" in path or not set(re.findall(r"{(\w+)}", path)) & theirs.keys():
            continue
        answer = ask(operator, method, path, {**NOBODYS, **theirs}, token=token)
        never = ask(operator, method, path, NOBODYS, token=token)
        if (answer.status_code, never.status_code) != (404, 404):
            wrong.append((method, path, answer.status_code, never.status_code))
    assert wrong == []
    assert deployment.rows(text("SELECT count(*) FROM history")) == before


def of_another_portal(deployment: Deployment) -> dict[str, str]:
    """A portal of another partner, and the ids of what is its own."""
    deployment.portal(OTHER_HUB, partner="Beta")
    deployment.registered("theirs.se", hub_id=OTHER_HUB)
    request_id = deployment.asked("7", hub_id=OTHER_HUB, state=State.WAITING, domain="they-wait.se")
    deployment.asked("8", hub_id=OTHER_HUB, state=State.CONFIRMING, action=Action.DEREGISTER)
    context = deployment.context
    done = job.start(context, OTHER_HUB, JobAction.RENEW, ["theirs.se"], who="t", source=Source.APP, key="theirs")
    of = lead_file.upload(context, OTHER_HUB, b"domain\nthey-ask.se\n", name="theirs.csv", who="t")
    return {
        "domain": "theirs.se",
        "request_id": str(request_id),
        "job_id": str(done.id),
        "file_id": str(of.id),
        "resync_id": str(resync.start(context, OTHER_HUB, who="t").id),
        "hub_id": str(OTHER_HUB),
    }


def test_what_nobody_types_is_refused_and_breaks_nothing(as_: As, deployment: Deployment) -> None:
    waiting = deployment.asked("7", state=State.WAITING, domain="acme.se")
    browser = as_(Role.OPERATOR)
    for path, fields, status in (
        ("/operations/holds/lift", {"domain": "\0"}, 409),
        ("/operations/resyncs", {"what": "since", "since": "0001-01-01"}, 422),
        ("/operations/resyncs", {"what": "since", "since": "9999-12-31"}, 422),
        (f"/jobs/{10**30}/undo", {}, 422),
        (f"/leads/pending/{waiting}/exchange/yes", {"domain": "\0"}, 404),
    ):
        assert browser.submit(path, **fields).status_code == status, (path, fields)
    assert browser.get(f"/jobs/{10**30}").status_code == 422
    api = {"x-csrf-token": browser.token(), "accept": "*/*"}
    before = browser.post("/api/v1/resyncs", json={"since": "0001-01-01T00:00:00+14:00"}, headers=api)
    assert (before.status_code, "1970" in before.text) == (422, True)
