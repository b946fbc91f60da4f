"""A portal gets its properties, its forms, and what was registered before; and the doctor looks at it all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from support.runbook import is_there
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.secrets import PortalCredentials
from syncworker.sync import operations, turns
from syncworker.sync.context import Context
from syncworker.sync.doctor import Compare, Finding, examine, servers
from syncworker.sync.doctor.work import blocked
from syncworker.sync.marks import Kind, Priority, mark

Run = Callable[..., Any]
Demo = Any


def problems(found: list[Finding]) -> dict[str, Finding]:
    wrong = {finding.name: finding for finding in found if not finding.ok}
    assert all(is_there(finding.runbook) for finding in wrong.values())
    return wrong


def submit(demo: Demo, email: str = "asa@nordlys.se") -> None:
    demo.sandbox.submit(demo.form["id"], demo.hub_id, email=email, firstname="Åsa", lastname="Ek")


def test_setup_shows_its_plan_asks_does_it_and_then_has_nothing_to_do(run: Run, demo: Demo) -> None:
    no = run("setup", stdin="n\n")
    assert no.code == 4
    assert "partner_registration_status" in no.out
    done = run("setup", "--yes", "--json")
    assert done.code == 0
    assert "partner_registration_status" in {change["name"] for change in done.json["done"]}
    again = run("setup")
    assert again.code == 0
    assert "nothing to do" in again.out


def test_a_setup_that_is_tried_changes_nothing(run: Run, demo: Demo) -> None:
    tried = run("setup", "--dry-run", "--json").json
    assert tried["planned"]
    assert tried["done"] == []
    assert run("setup", "--dry-run", "--json").json == tried


def test_the_doctor_finds_a_portal_without_properties_and_then_a_sound_one(run: Run, demo: Demo) -> None:
    before = run("doctor", "--json")
    assert before.code == 1
    assert [f["name"] for f in before.json["findings"] if not f["ok"]] == ["properties"]
    run("setup", "--yes")
    after = run("doctor")
    assert after.code == 0, after.out
    assert "All is well" in after.out
    assert "registers and writes nothing" not in after.out
    run("pause", "--reason", "a test")
    paused = run("doctor")
    assert paused.code == 0, paused.out
    assert f"Portal {demo.hub_id} registers and writes nothing" in paused.out
    assert f"syncworker unpause --portal {demo.hub_id}" in paused.out


def test_the_doctor_names_what_waits_and_what_is_parked(demo: Demo) -> None:
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, ["1", "2"], priority=Priority.POLL, cause="poll")
        tx.connection.execute(text("UPDATE marks SET not_before = now() - interval '1 hour'"))
        tx.connection.execute(text("UPDATE marks SET parked_at = now() WHERE object_id = '2'"))
        tx.connection.execute(text("INSERT INTO inbox (events, received_at) VALUES ('[]', now() - interval '1 hour')"))
        tx.connection.execute(text("UPDATE cursors SET last_error = 'oh' WHERE trigger = 'contact.now'"))
    found = problems(examine(demo.context))
    assert {"marks", "parked", "inbox", "poll contact.now"} <= found.keys()
    assert "the oldest for 60 min" in found["marks"].text
    assert "marks --parked" in found["parked"].what_now


def test_the_doctor_says_what_was_looked_for_when_and_whether_that_is_in_time(run: Run, demo: Demo) -> None:
    run("forms", "enable", demo.form["id"])

    def said() -> str:
        return next(one.text for one in examine(demo.context) if one.name == "polls")

    def change(to: str) -> None:
        with demo.context.database.transaction() as tx:
            tx.connection.execute(text(f"UPDATE cursors SET {to}"))

    change("polled_at = NULL, due_at = now()")
    assert said() == (
        "in time; last looked for: changes never, changes that HubSpot's search shows late never, deletions never, "
        "submissions of 1 form never"
    )
    change(
        "due_at = now() + interval '1 min', polled_at = now() - interval '14 min' WHERE trigger = 'contact.archived'"
    )
    change("polled_at = now() - interval '3 min' WHERE trigger = 'company.archived'")
    assert "in time" in said()
    assert "deletions 14 min ago" in said()
    change("due_at = now() - interval '5 min' WHERE trigger = 'contact.now'")
    assert said().startswith("up to 5 min late; last looked for: changes never")
    change("due_at = now() - interval '45 min', polled_at = now() - interval '46 min' WHERE trigger LIKE 'form:%'")
    late = problems(examine(demo.context))[f"poll form:{demo.form['id']}"]
    form = demo.form["name"]
    assert late.text == f"submissions of the form {form}: last looked for 46 min ago, and due for 45 min"
    assert "form" not in said()
    run("pause")
    assert said().startswith("they rest; ")


def test_the_doctor_says_that_a_form_is_gone(run: Run, demo: Demo) -> None:
    with demo.context.database.transaction() as tx:
        tx.connection.execute(
            text("INSERT INTO forms (hub_id, form_id, name, enabled_at) VALUES (:hub, 'gone', 'Old', now())"),
            {"hub": demo.hub_id},
        )
    assert "forms disable gone" in problems(examine(demo.context))["form Old"].what_now
    assert run("forms", "disable", "gone").code == 0


def test_the_doctor_tells_an_old_schema_and_a_database_that_is_away(
    run: Run, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCWORKER_DATABASE_URL", empty_database_url)
    old = run("doctor", "--json")
    assert old.code == 1
    assert [f["what_now"] for f in old.json["findings"] if not f["ok"]] == ["run: syncworker migrate"]
    monkeypatch.setenv("SYNCWORKER_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    monkeypatch.setenv("SYNCWORKER_REDIS_URL", "redis://127.0.0.1:9/0")
    away = run("doctor", "--json").json
    assert {f["name"] for f in away["findings"] if not f["ok"]} == {"redis", "database"}


def test_the_doctor_tells_a_wrong_secret_key(run: Run, demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCWORKER_SECRET_KEY", "another key of the tests, just as long")
    answer = run("doctor", "--json")
    assert answer.code == 1
    assert [f["name"] for f in answer.json["findings"] if not f["ok"]] == ["token"]
    assert run("forms", "list").code == 2


def test_a_form_is_enabled_by_its_name_and_disabled(run: Run, demo: Demo) -> None:
    name = demo.form["name"]
    assert run("forms", "enable", name, "--json").json["changed"] is True
    assert run("forms", "enable", demo.form["id"], "--json").json["changed"] is False
    listed = {item["name"]: item["enabled_at"] for item in run("forms", "list", "--json").json["items"]}
    assert listed[name] is not None
    assert listed["Newsletter"] is None
    assert name in run("forms", "list").out
    assert run("forms", "disable", name, "--json").json["changed"] is True
    assert run("forms", "enable", "No such form").code == 3


def test_older_submissions_are_counted_then_taken_in_once(run: Run, demo: Demo) -> None:
    submit(demo)
    submit(demo, "bo@fjordvik.no")
    run("forms", "enable", demo.form["id"])
    tried = run("forms", "backfill", "--since", "2020-01-01", "--dry-run")
    assert tried.code == 0
    assert "asa@nordlys.se" in tried.out
    assert "2 submissions would ask" in tried.out
    assert run("requests", "list", "--json").json["items"] == []
    done = run("forms", "backfill", "--since", "2020-01-01", "--yes", "--json").json
    assert done["new"] == 2
    assert run("forms", "backfill", "--since", "2020-01-01", "--json").json["new"] == 0
    assert len(run("requests", "list", "--json").json["items"]) == 2


def test_nothing_is_backfilled_from_a_form_that_is_not_enabled(run: Run, demo: Demo) -> None:
    for options in ([], ["--form", demo.form["name"]]):
        answer = run("forms", "backfill", "--since", "2020-01-01", *options)
        assert answer.code == 4
        assert "forms enable" in answer.complaint


def test_registrations_are_tried_taken_over_and_then_known(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("domain,registered_on\nnordlys.se,2026-03-01\nfjordvik.no,2020-01-01\n", encoding="utf-8")
    tried = run("registrations", "import", file, "--dry-run", "--json")
    assert tried.code == 0
    assert tried.json["active"] == ["nordlys.se"]
    assert tried.json["expired"] == ["fjordvik.no"]
    assert run("registrations", "list", "--json").json["items"] == []
    assert "1 active, 1 expired" in run("registrations", "import", file).out
    assert run("registrations", "import", file, "--json").json["known"] == ["fjordvik.no", "nordlys.se"]


def test_what_never_ends_is_taken_over_with_the_calendars_last_day(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("domain,registered_on,expires_on\nnordlys.se,2026-03-01,9999-12-31\n", encoding="utf-8")
    assert run("registrations", "import", file, "--dry-run", "--json").json["active"] == ["nordlys.se"]
    assert run("registrations", "import", file).code == 0
    [one] = run("registrations", "list", "--json").json["items"]
    assert (one["domain"], one["expires_on"], one["status"]) == ("nordlys.se", "9999-12-31", "registered")
    assert run("why", "nordlys.se").code == 0


def test_rows_that_are_left_out_are_listed(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("domain,registered_on\n\x1b[31mlocalhost,2026-03-01\n[b].se,today\n", encoding="utf-8")
    answer = run("registrations", "import", file)
    assert answer.code == 1
    assert "2 left out" in answer.out
    assert "\x1b" not in answer.out
    assert len(run("registrations", "import", file, "--json").json["problems"]) == 2


def test_a_file_that_cannot_be_used_says_why(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("company\nNordlys\n", encoding="utf-8")
    answer = run("registrations", "import", file)
    assert answer.code == 2
    assert "lacks the columns domain, registered_on" in answer.complaint
    assert run("registrations", "import", tmp_path / "none.csv").code == 2


def test_holds_are_taken_in_and_shown_when_a_lead_is_looked_at(run: Run, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "holds.csv"
    file.write_text("domain,kind\nnordlys.se,existing_customer\nx.se,unheard_of\n", encoding="utf-8")
    assert run("holds", "import", file, "--dry-run").code == 1
    answer = run("holds", "import", file, "--json")
    assert answer.code == 1
    assert answer.json["holds"] == ["nordlys.se"]
    looked_at = run("register", demo.contact(), stdin="n\n")
    assert "existing_customer" in looked_at.out


def test_capacity_is_shown(run: Run, demo: Demo) -> None:
    assert run("capacity", "--json").json == {
        "limit": 3, "used": 0, "free": 3, "waiting": 0, "source": "override",
    }  # fmt: skip
    assert "override" in run("capacity").out


def test_migrate_makes_the_schema_and_connects_the_portal_of_the_settings(
    run: Run, empty_database_url: str, context: Context, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCWORKER_DATABASE_URL", empty_database_url)
    fresh = run("capacity")
    assert fresh.code == 5
    assert fresh.complaint.endswith("run `syncworker migrate`")
    assert run("migrate", "--json").json["portal"] is None
    monkeypatch.setenv("SYNCWORKER_HUBSPOT_ACCESS_TOKEN", demo.about["access_token"])
    assert "in mode observe" in run("migrate").out


def test_the_doctor_says_what_blocks_a_portal_and_what_lifts_it_there(demo: Demo) -> None:
    # One portal of several: a command without its id would be asked which is meant
    for reason, command in (
        ("properties", f"syncworker setup --portal {demo.hub_id}"),
        ("brake", f"syncworker unpause --portal {demo.hub_id}"),
        ("scopes", f"syncworker portals unblock {demo.hub_id}"),
        ("credentials", f"syncworker portals add --hub-id {demo.hub_id}"),
    ):
        with demo.context.database.transaction() as tx:
            portals.block(tx, demo.hub_id, until=portals.UNTIL_A_PERSON_ACTS, reason=reason, detail="none there")
            found = blocked(portals.get(tx, demo.hub_id), tx.now)
            portals.unblock(tx, demo.hub_id, brake=True)
        assert found.text == f"{reason}: none there"
        assert found.what_now.endswith(command)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("tier = 'nonsense', capacity = NULL", "no tier 'nonsense'"), ("program = 'nosuch'", "no program 'nosuch'")],
)
def test_a_mistake_in_the_settings_of_one_portal_hides_neither_the_rest_nor_the_others(
    run: Run, demo: Demo, second: Demo, wrong: str, words: str
) -> None:
    # Given a sound portal, and one whose request waits and cannot be decided, since its partner's settings are wrong
    run("setup", "--yes", "--portal", demo.hub_id)
    run("setup", "--yes", "--portal", second.hub_id)
    contact_id = second.contact()
    with demo.context.database.transaction() as tx:
        partner = portals.get(tx, second.hub_id).partner.id
        tx.connection.execute(text("UPDATE partners SET capacity = 0 WHERE id = :id"), {"id": partner})
    operations.register(second.context, second.hub_id, contact_id, who="a test", source=Source.APP, key="1")
    turns.interactive_turn(second.context, second.hub_id)
    turns.interactive_turn(second.context, second.hub_id)
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text(f"UPDATE partners SET {wrong} WHERE id = :id"), {"id": partner})
    # Then it is said of that portal what is wrong, and where to read
    answer = run("doctor", "--json")
    assert answer.code == 1, answer.err
    found = answer.json["findings"]
    wrongs = [one for one in found if not one["ok"] and words in one["text"]]
    assert {one["portal"] for one in wrongs} == {second.hub_id}
    assert {one["runbook"] for one in wrongs} == {"docs/operating.md#blocked-settings"}
    # And all else is said, too, of it and of the other one
    assert "ledger" in {one["name"] for one in found if one["portal"] == second.hub_id}
    assert all(one["ok"] for one in found if one["portal"] == demo.hub_id)


def test_a_failed_resync_is_to_go_on_from_where_it_was(run: Run, demo: Demo) -> None:
    run("resync", "--all", "--json")
    with demo.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE resyncs SET state = 'failed', finished_at = now(), last_error = 'refused'"))
    failed = problems(examine(demo.context))["resync"]
    assert failed.what_now == f"mend what it says, then: syncworker resync resume --portal {demo.hub_id}"
    assert run(*failed.what_now.partition("syncworker ")[2].split()).code == 0
    assert "resync" not in problems(examine(demo.context))


def test_the_doctor_tells_a_token_of_another_account_and_one_without_a_client_secret(demo: Demo, second: Demo) -> None:
    theirs = PortalCredentials(access_token=second.about["access_token"])
    ours = PortalCredentials(access_token=demo.about["access_token"])
    demo.context.credentials.renew(demo.hub_id, lambda _: theirs)
    found = problems(examine(demo.context, only=demo.hub_id))
    assert found["token"].text == f"it belongs to portal {second.hub_id}"
    other = Context(demo.context.settings)
    other.credentials.renew(demo.hub_id, lambda _: ours)
    assert "all webhooks are refused" in problems(examine(other, only=demo.hub_id))["client secret"].text
    other.close()


def test_the_doctor_tells_a_hubspot_that_answers_no_more_today(demo: Demo) -> None:
    demo.sandbox.settings(demo.hub_id, daily_limit=3)
    everything = examine(demo.context, compare=Compare())
    found = problems(everything)
    # What was asked for when it began to refuse
    assert found.keys() == {"crm.objects.contacts.write"}
    assert found["crm.objects.contacts.write"].what_now == "ask again later"
    assert "daily" in found["crm.objects.contacts.write"].text
    # Nobody asks again for whoever reads it
    assert found["crm.objects.contacts.write"].text.endswith("try again then")
    # And nothing more is asked
    said = {finding.name: finding.text for finding in everything}
    assert said["permissions"] == "the others were not tried: HubSpot does not answer"
    assert said["ledger"] == "not compared: HubSpot does not answer"


def test_who_asks_the_doctor_waits_once_for_a_hubspot_that_does_not_answer(demo: Demo) -> None:
    # Given a portal of two forms, and a HubSpot that fails whatever it is asked
    with demo.context.database.transaction() as tx:
        for form in ("one", "two"):
            tx.connection.execute(
                text("INSERT INTO forms (hub_id, form_id, name, enabled_at) VALUES (:hub, :form, :form, now())"),
                {"hub": demo.hub_id, "form": form},
            )
    demo.sandbox.faults(http={"500": 1.0})
    demo.sandbox.reset_stats()
    everything = examine(demo.context, compare=Compare())
    # Then it is said once, and one call was made, and again
    assert [one.name for one in everything if one.portal == demo.hub_id and not one.ok] == ["token"]
    assert len(demo.sandbox.calls()) == 1
    assert next(one.text for one in everything if one.name == "ledger").startswith("not compared")


def test_the_doctor_tells_that_no_portal_is_connected_and_that_clocks_differ(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "CLOCKS_APART", timedelta(seconds=-1))
    found = problems(examine(context))
    assert "syncworker portals add" in found["portals"].what_now
    assert "NTP" in found["clocks"].what_now
