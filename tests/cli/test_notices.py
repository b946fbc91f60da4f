"""People's notices are switched, listed and tried by the command line."""

from __future__ import annotations

import pytest

from cli.conftest import Demo, Run
from support.mail_server import MailServer

EVA = "eva@us.example"


@pytest.fixture
def eva(run: Run, demo: Demo) -> str:
    run("users", "add", EVA, "--role", "operator", "--no-password")
    return EVA


def test_notices_are_switched_on_and_off_and_listed(run: Run, eva: str) -> None:
    assert run("notices", "list").out.startswith("Nobody is told of anything")
    on = run("notices", "switch", eva, "all", "on", "--json")
    assert (on.json["changed"], len(on.json["kinds"])) == (7, 7)
    assert "SMTP_HOST" in on.complaint
    [finding] = [one for one in run("doctor", "--json").json["findings"] if one["name"] == "notices"]
    assert (finding["ok"], "SMTP_HOST" in finding["what_now"]) == (False, True)
    assert run("notices", "switch", eva, "expiring", "on", "--by", "task", "--json").json["changed"] == 1
    assert run("notices", "switch", eva, "capacity", "on", "--by", "task").code == 2
    assert len(run("notices", "list", "--json").json["items"]) == 8
    assert "email" in run("notices", "list").out
    assert run("notices", "switch", eva, "digest", "off", "--json").json["changed"] == 1
    assert run("notices", "switch", "nobody@us.example", "all", "on").code == 3


def test_a_test_says_whether_it_got_there(run: Run, eva: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SMTP_HOST" in run("notices", "test", eva).complaint
    with MailServer() as mail:
        for name, value in mail.settings.items():
            monkeypatch.setenv(f"SYNCWORKER_{name.upper()}", str(value))
        assert run("notices", "test", eva).code == 0
        assert [str(one["To"]) for one in mail.mails] == [eva]
        mail.answer_to["RCPT"] = "550 no"
        failed = run("notices", "test", eva, "--json")
        assert (failed.code, failed.json["sent"]) == (5, False)
        assert "refuses the address: 550 no" in failed.json["why"]
    # Nothing of it is left to be tried again
    assert run("marks", "list", "--json").json["items"] == []
    states = [one["state"] for one in run("notices", "sent", "--json").json["items"]]
    assert states == ["dropped", "sent", "dropped"]


def test_a_webhook_shows_its_secret_once(run: Run, eva: str) -> None:
    made = run("notices", "webhook", eva, "https://us.example/notices", "--json").json
    assert len(made["secret"]) > 40
    assert run("notices", "webhook", eva, "http://us.example/notices").code == 2
    assert run("notices", "webhook", eva, "--json").json["secret"] is None
    assert "no address is set" in run("notices", "test", eva, "--by", "webhook").complaint
