"""Operators keep holds and switch forms by the API; everybody switches their own notices."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from syncworker.access.roles import Role
from syncworker.sync.portals.form_switch import enable_form
from web.deployment import HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
FILE = b"domain,kind,note\nbeta.se,existing_customer,since 2019\nlocalhost,existing_customer,\n"


def test_holds_are_added_found_brought_in_and_lifted(api: httpx.Client, deployment: Deployment) -> None:
    added = api.post("holds", json={"domain": "https://www.acme.se/", "kind": "own_or_affiliated", "note": "ours"})
    assert added.json() == {"domain": "acme.se", "held": True}
    file = {"file": ("holds.csv", FILE)}
    tried = api.post("holds/import", params={"dry_run": True}, files=file).json()
    assert [(row["written"], row["came"]) for row in tried["items"]] == [
        ("beta.se", "added"),
        ("localhost", "left_out"),
    ]
    assert tried["items"][1]["why"]
    assert [hold["domain"] for hold in api.get("holds").json()["items"]] == ["acme.se"]
    assert api.post("holds/import", files=file).status_code == 200
    [held] = api.get("holds", params={"q": "2019"}).json()["items"]
    assert (held["domain"], held["added_by"]) == ("beta.se", "api")
    assert api.delete("holds/beta.se").json() == {"domain": "beta.se", "held": False}
    assert api.delete("holds/beta.se").status_code == 404
    assert api.post("holds", json={"domain": "localhost", "kind": "own_or_affiliated"}).status_code == 422
    assert api.post("holds/import", files={"file": ("x.csv", b"nothing")}).status_code == 422
    did = [(one["event"], one["who"]) for one in api.get("history").json()["items"]]
    assert did == [("hold_removed", "api"), ("holds_imported", "api"), ("hold_added", "api")]


def test_a_form_that_is_gone_from_hubspot_is_stopped_without_asking_there(
    api: httpx.Client, deployment: Deployment
) -> None:
    deployment.database.run(lambda tx: enable_form(tx, HUB, "gone", name="Old form"))
    stopped = api.post("forms/gone/disable").json()
    assert stopped == {"id": "gone", "name": "Old form", "enabled": False, "changed": True}
    [did] = api.get("history").json()["items"]
    assert (did["event"], did["who"], did["source"]) == ("form_disabled", "api", "api")


def test_everybody_switches_their_own_notices(as_: As, deployment: Deployment) -> None:
    viewer = as_(Role.VIEWER)
    asks = {"x-csrf-token": viewer.token(), "accept": "*/*"}
    own = "viewer@acme-partner.se"
    on = viewer.post("/api/v1/notices", headers=asks, json={"kind": "capacity", "on": True})
    assert on.json() == {"email": own, "items": [{"kind": "capacity", "by": "email"}]}
    assert viewer.post("/api/v1/notices", headers=asks, json={"kind": "parked", "on": True}).status_code == 403
    as_task = {"kind": "capacity", "by": "task", "on": True}
    assert viewer.post("/api/v1/notices", headers=asks, json=as_task).status_code == 422
    assert viewer.get("/api/v1/notices/sent").json() == {"items": []}
    as_(Role.MANAGER)
    assert viewer.get("/api/v1/notices?email=manager@acme-partner.se").status_code == 403
    assert viewer.get(f"/api/v1/notices?email={own}").json() == viewer.get("/api/v1/notices").json()


def test_the_token_says_whose_notices_it_means(api: httpx.Client, as_: As) -> None:
    as_(Role.OPERATOR)
    assert api.get("notices").status_code == 422
    assert api.get("notices", params={"email": "nobody@acme.se"}).status_code == 404
    asked = {"params": {"email": "operator@acme-partner.se"}, "json": {"kind": "parked", "on": True}}
    assert api.post("notices", **asked).json()["items"] == [{"kind": "parked", "by": "email"}]
