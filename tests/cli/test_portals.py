"""Portals come, are checked, change their mode and go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from support.sandbox_server import SandboxServer
from syncworker.settings import Settings
from syncworker.store import portals
from syncworker.sync.context import Context
from syncworker.sync.portals.first_portal import connect_first

Run = Callable[..., Any]
Demo = Any


def test_a_portal_is_connected_in_mode_observe_with_a_token_from_standard_input(
    run: Run, sandbox: SandboxServer
) -> None:
    about = sandbox.portals()[0]
    answer = run(
        "portals", "add", "--partner", "Fjord", "--tier", "gold", "--capacity", 7, "--token-stdin",
        "--client-secret-stdin", "--form", about["forms"][0]["id"],
        stdin=f"{about['access_token']}\n{about['client_secret']}\n",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "in mode observe" in answer.out
    (item,) = run("portals", "list", "--json").json["items"]
    assert (item["partner"], item["tier"], item["capacity"], item["mode"]) == ("Fjord", "gold", 7, "observe")
    assert about["access_token"] not in answer.out + answer.err
    assert run("forms", "list", "--json").json["items"][0]["enabled_at"] is not None


def test_without_a_token_it_is_asked_for_unseen(run: Run, sandbox: SandboxServer) -> None:
    token = sandbox.portals()[0]["access_token"]
    answer = run("portals", "add", stdin=f"{token}\n\n")
    assert answer.code == 0, answer.err
    assert token not in answer.out + answer.err
    assert "its webhooks are refused" in answer.out


def test_a_token_of_another_account_is_refused(run: Run, sandbox: SandboxServer) -> None:
    first, second = sandbox.portals()
    answer = run("portals", "add", "--hub-id", second["hub_id"], "--token-stdin", stdin=first["access_token"])
    assert answer.code == 4
    assert f"belongs to portal {first['hub_id']}" in answer.complaint


@pytest.mark.parametrize(
    ("options", "token", "code", "says"),
    [
        (["--tier", "tin"], None, 2, "has no tier 'tin'"),
        (["--program", "none"], None, 2, "there is no program 'none'"),
        (["--own-domain", "localhost"], None, 2, "localhost"),
        ([], "pat-wrong", 5, "new access token"),
        ([], "", 2, "no line with the access token"),
    ],
)
def test_what_is_wrong_with_a_new_portal_is_said_in_a_line(
    run: Run, sandbox: SandboxServer, options: list[str], token: str | None, code: int, says: str
) -> None:
    given = sandbox.portals()[0]["access_token"] if token is None else token
    answer = run("portals", "add", "--token-stdin", *options, stdin=f"{given}\n")
    assert answer.code == code
    assert says in answer.complaint


def test_a_new_token_leaves_a_connected_portal_with_its_partner_and_its_client_secret(run: Run, demo: Demo) -> None:
    before = run("portals", "list", "--json").json["items"]
    answer = run("portals", "add", "--token-stdin", stdin=demo.about["access_token"])
    assert answer.code == 0, answer.err
    assert "refused" not in answer.out
    assert run("portals", "list", "--json").json["items"] == before
    assert demo.context.credentials.load(demo.hub_id).client_secret == demo.about["client_secret"]


def test_after_a_changed_secret_key_a_portal_is_connected_again(
    run: Run, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCWORKER_SECRET_KEY", "another key of the tests, just as long")
    assert run("portals", "check").code == 1
    run("portals", "add", "--token-stdin", stdin=demo.about["access_token"])
    names = [f["name"] for f in run("portals", "check", "--json").json["findings"] if not f["ok"]]
    assert names == ["client secret"]


def test_a_partners_second_portal_leaves_its_tier_and_capacity(run: Run, demo: Demo, sandbox: SandboxServer) -> None:
    other = sandbox.portals()[1]
    run("portals", "add", "--token-stdin", "--partner", demo.about["partner"], stdin=other["access_token"])
    items = run("portals", "list", "--json").json["items"]
    assert {(item["partner"], item["tier"], item["capacity"]) for item in items} == {(demo.about["partner"], "gold", 3)}
    assert len(items) == 2


def test_a_connected_portal_passes_its_check(run: Run, demo: Demo) -> None:
    answer = run("portals", "check")
    assert answer.code == 0, answer.out
    assert "All is well" in answer.out
    assert "crm.objects.contacts.write" in answer.out


def test_a_scope_that_is_missing_is_named(run: Run, demo: Demo) -> None:
    scopes = [scope for scope in demo.about["scopes"] if scope != "crm.schemas.contacts.write"]
    demo.sandbox.settings(demo.hub_id, scopes=scopes)
    answer = run("portals", "check", demo.hub_id, "--json")
    assert answer.code == 1
    bad = [finding for finding in answer.json["findings"] if not finding["ok"]]
    assert [finding["name"] for finding in bad] == ["crm.schemas.contacts.write"]
    assert "install it again" in bad[0]["what_now"]


def test_a_revoked_token_is_one_finding(run: Run, demo: Demo) -> None:
    demo.sandbox.settings(demo.hub_id, token_revoked=True)
    answer = run("portals", "check", "--json")
    assert answer.code == 1
    (finding,) = answer.json["findings"]
    assert finding["what_now"] == "give the portal a new access token"


def test_switching_to_write_asks(run: Run, demo: Demo) -> None:
    assert run("portals", "mode", demo.hub_id, "observe").code == 0
    no = run("portals", "mode", demo.hub_id, "write", stdin="n\n")
    assert no.code == 4
    assert "0 open requests are decided at once" in no.err
    answer = run("portals", "mode", demo.hub_id, "write", "--yes", "--json")
    assert answer.json == {"hub_id": demo.hub_id, "mode": "write", "before": "observe"}


def test_a_mode_that_is_none_is_wrong_usage(run: Run, demo: Demo) -> None:
    answer = run("portals", "mode", demo.hub_id, "off")
    assert answer.code == 2
    assert "off" in answer.complaint


def test_a_portal_is_removed_once(run: Run, demo: Demo) -> None:
    assert run("portals", "remove", demo.hub_id, stdin="y\n").code == 0
    again = run("portals", "remove", demo.hub_id, "--yes")
    assert again.code == 3
    assert again.complaint == (f"syncworker: portal {demo.hub_id} is not connected: see `syncworker portals list`")
    assert "No portal is connected" in run("portals", "list").out


def test_a_blocked_portal_says_why_and_is_let_go_on(run: Run, demo: Demo) -> None:
    with demo.context.database.transaction() as tx:
        until = tx.now + timedelta(minutes=5)
        portals.block(tx, demo.hub_id, until=until, reason="scopes", detail="forms is missing")
    assert "scopes: forms is missing" in run("portals", "list").out
    assert run("portals", "unblock", demo.hub_id, "--json").json["was_blocked_by"] == "scopes"
    assert run("portals", "list", "--json").json["items"][0]["blocked"] is False


def test_with_two_portals_one_must_be_named(run: Run, demo: Demo, second: Demo) -> None:
    for command in (["capacity"], ["requests", "list"], ["setup"], ["resync", "--all"]):
        answer = run(*command)
        assert answer.code == 2, command
        assert f"{demo.hub_id} (" in answer.complaint
        assert f"{second.hub_id} (" in answer.complaint
    assert run("capacity", "--portal", second.hub_id).code == 0


def test_without_a_portal_there_is_nothing_to_work_on(run: Run) -> None:
    answer = run("capacity")
    assert answer.code == 3
    assert "syncworker portals add" in answer.complaint


def first_settings(environment: dict[str, str], sandbox: SandboxServer, **more: object) -> Settings:
    about = sandbox.portals()[0]
    given = {"hubspot_access_token": about["access_token"], "partner_tier": "silver", **more}
    return Settings(_env_file=None, **given)


def test_the_portal_of_the_settings_is_connected_to_observe_and_keeps_its_mode(
    environment: dict[str, str], sandbox: SandboxServer, context: Context, run: Run
) -> None:
    portal = connect_first(first_settings(environment, sandbox))
    assert portal is not None
    assert (portal.mode, portal.partner.name, portal.partner.tier) == ("observe", "own", "silver")
    run("portals", "mode", portal.hub_id, "write", "--yes")
    again = connect_first(first_settings(environment, sandbox, partner_tier="gold", partner_capacity=0))
    assert again is not None
    assert (again.mode, again.partner.tier, again.partner.capacity) == ("write", "gold", 0)


def test_what_a_person_set_stays_where_the_settings_leave_it_open(
    environment: dict[str, str], sandbox: SandboxServer, run: Run
) -> None:
    about = sandbox.portals()[0]
    run("portals", "add", "--partner", "Fjord", "--tier", "gold", "--token-stdin", stdin=about["access_token"])
    portal = connect_first(Settings(_env_file=None, hubspot_access_token=about["access_token"]))
    assert portal is not None
    assert (portal.partner.name, portal.partner.tier) == ("Fjord", "gold")


def test_a_second_portal_is_not_connected_by_the_settings(
    environment: dict[str, str], sandbox: SandboxServer, second: Demo, context: Context, run: Run
) -> None:
    run("portals", "remove", sandbox.portals()[0]["hub_id"], "--yes")
    assert connect_first(first_settings(environment, sandbox)) is None


def test_without_a_token_no_portal_is_connected(environment: dict[str, str]) -> None:
    assert connect_first(Settings(_env_file=None)) is None


def test_a_hubspot_that_answers_no_more_today_does_not_keep_a_deployment_from_starting(
    environment: dict[str, str], sandbox: SandboxServer, demo: Demo
) -> None:
    sandbox.settings(demo.hub_id, daily_limit=1)
    assert connect_first(first_settings(environment, sandbox)) is None
