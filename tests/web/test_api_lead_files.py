"""A file of leads by the API: tried, taken, told of row by row, by managers alone."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.sync.jobs import job_work
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

CSV = "Email;Namn\nada@granvik.se;Ada\nada@granvik.se;Ada\nnot an email@;\nbo@tagen.se;Bo\n"
HEADERS = {"content-type": "text/csv"}


@pytest.fixture(autouse=True)
def known(deployment: Deployment) -> None:
    deployment.record("1", email="ada@granvik.se", domain="granvik.se")
    deployment.record("2", email="bo@tagen.se", domain="tagen.se")
    deployment.portal(OTHER_HUB, partner="Beta")
    deployment.registered("tagen.se", hub_id=OTHER_HUB)


def send(api: httpx.Client, **params: object) -> httpx.Response:
    return api.post("lead-files", content=CSV.encode(), headers=HEADERS, params={"portal": HUB, **params})


def worked_off(deployment: Deployment) -> None:
    while job_work.continue_jobs(deployment.context, HUB):
        pass


def test_a_file_is_tried_and_nothing_is_kept(api: httpx.Client, deployment: Deployment) -> None:
    answer = send(api, dry_run=True)
    assert answer.status_code == 200
    tried = answer.json()
    assert (tried["id"], tried["columns"], tried["others"], tried["total"]) == (None, ["email"], 1, 4)
    assert tried["expected"] == {
        "bad": 1, "duplicates": 1, "registered": 0, "unavailable": 1, "to_ask": 1, "fitting": 1,
    }  # fmt: skip
    assert [row["row"] for row in tried["items"]] == [2, 3, 4, 5]
    assert (tried["items"][3]["status"], tried["items"][3]["reason"]) == ("unavailable", "registered_by_another")
    assert not deployment.rows(text("SELECT FROM jobs"))


def test_a_file_is_taken_once_and_tells_how_far_it_is(api: httpx.Client, deployment: Deployment) -> None:
    taken = send(api, name="våra.csv")
    assert taken.status_code == 202
    file = taken.json()
    assert (file["name"], file["who"], file["held"], file["finished_at"]) == ("våra.csv", "api", False, None)
    # As a form, too, the same file is the same
    early = api.post(f"lead-files/{file['id']}/again", params={"portal": HUB})
    assert (early.status_code, "when it is" in early.text) == (409, True)
    form = api.post("lead-files", files={"file": ("other.csv", CSV.encode())}, params={"portal": HUB})
    assert form.json()["id"] == file["id"]
    worked_off(deployment)
    told = api.get(f"lead-files/{file['id']}", params={"portal": HUB, "limit": 2}).json()
    assert told["came"]["pending"] == 2
    assert [row["outcome"] for row in told["items"]] == ["done", "duplicate"]
    rest = api.get(f"lead-files/{file['id']}", params={"portal": HUB, "cursor": told["next"]}).json()
    assert [row["outcome"] for row in rest["items"]] == ["bad_lead", "done"]
    failed = api.get(f"lead-files/{file['id']}", params={"portal": HUB, "failed": True}).json()["items"]
    assert [(row["lead"], row["what_now"]) for row in failed] == [
        ("not an email@", "Correct the row, and bring it in again.")
    ]
    document = api.get(f"lead-files/{file['id']}/failures.csv", params={"portal": HUB}).text
    assert document.startswith("\ufefflead,why,")
    # Nothing of it failed in a way that asking once more would change
    assert api.post(f"lead-files/{file['id']}/again", params={"portal": HUB}).status_code == 409
    assert len(deployment.rows(text("SELECT FROM jobs"))) == 1


def test_what_makes_no_sense_is_refused_with_what_to_do(api: httpx.Client) -> None:
    for answer, status, says in (
        (api.post("lead-files", params={"portal": HUB}), 422, "is empty"),
        (api.post("lead-files", content=b"name\nAda", headers=HEADERS, params={"portal": HUB}), 422, "call one of"),
        (api.post("lead-files", files={"other": b"x"}, params={"portal": HUB}), 422, "field `file`"),
        (api.post("lead-files", content=b"x" * 22_000_000, headers=HEADERS, params={"portal": HUB}), 413, "divide"),
        (api.get("lead-files/999", params={"portal": HUB}), 404, "no job"),
    ):
        assert answer.status_code == status, answer.text
        assert says in answer.json()["error"]


def test_a_viewer_neither_sees_nor_sends_files_and_no_portal_sees_anothers(
    api: httpx.Client, as_: Callable[..., Browser]
) -> None:
    file_id = send(api).json()["id"]
    for path in (f"lead-files/{file_id}", f"lead-files/{file_id}/failures.csv"):
        assert api.get(path, params={"portal": OTHER_HUB}).status_code == 404, path
    viewer, manager = as_(Role.VIEWER, portals=[HUB]), as_(Role.MANAGER, portals=[HUB])
    token = {"x-csrf-token": viewer.token()}
    assert viewer.get(f"/api/v1/lead-files/{file_id}").status_code == 403
    assert viewer.post("/api/v1/lead-files", content=CSV.encode(), headers={**HEADERS, **token}).status_code == 403
    assert manager.get(f"/api/v1/lead-files/{file_id}").json()["id"] == file_id
    assert manager.post("/api/v1/lead-files", content=CSV.encode(), headers=HEADERS).status_code == 403
    own = {"x-csrf-token": manager.token()}
    sent = manager.post("/api/v1/lead-files", content=b"email\nnew@granvik.se", headers={**HEADERS, **own})
    assert sent.json()["who"] == "manager@acme-partner.se"
