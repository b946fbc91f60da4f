"""What holds for every command: help, errors in a line, exit codes, and text that cannot harm a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworker.cli import output
from syncworker.cli.failures import known_errors
from syncworker.store import portals

Run = Callable[..., Any]
MODULE = (sys.executable, "-m", "syncworker.cli")
FULL = Path("/dev/full")


def python(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A Python of its own, without any of our settings."""
    environment = {"PATH": os.environ["PATH"]}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_every_command_explains_itself(run: Run) -> None:
    shown = run("--help")
    assert shown.code == 0
    assert "Exit codes" in shown.out
    for command in (
        "up", "web", "sandbox", "setup", "migrate", "portals", "forms", "register", "deregister",
        "registrations", "requests", "capacity", "holds", "resync", "marks", "history", "why", "doctor",
    ):  # fmt: skip
        assert run(command, "--help").code == 0, command


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    answer = run()
    assert answer.code == 2
    assert "Usage" in answer.out + answer.err


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["capacity", "--nonsense"], ["jobs", "show"], ["resync", "--status", "x"]]
)
def test_wrong_usage_is_one_line(run: Run, arguments: list[str]) -> None:
    answer = run(*arguments)
    assert answer.code == 2
    assert answer.complaint.startswith("syncworker: ")
    assert answer.out == ""


def test_wrong_settings_are_all_said_one_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCWORKER_DATABASE_URL", "mysql://x")
    monkeypatch.setenv("SYNCWORKER_POLL_SECONDS", "0")
    answer = run("capacity")
    assert answer.code == 2
    lines = answer.err.strip().splitlines()
    assert {line.split(":")[1].strip() for line in lines} == {
        "SYNCWORKER_DATABASE_URL",
        "SYNCWORKER_POLL_SECONDS",
    }


def test_a_missing_setting_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNCWORKER_DATABASE_URL")
    answer = run("capacity")
    assert answer.code == 2
    assert "syncworker up" in answer.complaint


def test_a_database_that_is_away_is_one_line_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCWORKER_DATABASE_URL", "postgresql://me:pass-word@127.0.0.1:9/none")
    answer = run("capacity")
    assert answer.code == 5
    assert "SYNCWORKER_DATABASE_URL" in answer.complaint
    assert "pass-word" not in answer.complaint


def test_a_domain_that_is_none_is_wrong_usage(run: Run, demo: object) -> None:
    answer = run("history", "localhost")
    assert answer.code == 2
    assert "localhost" in answer.complaint


@pytest.mark.parametrize(
    "command",
    [
        ["requests", "confirm", "9223372036854775808"],
        ["resync", "show", "99999999999999999999"],
        ["leads", "file", "99999999999999999999"],
        ["doctor", "--sample", "99999999999999999999"],
    ],
    ids=" ".join,
)
def test_a_number_larger_than_any_is_not_the_databases_fault(run: Run, demo: object, command: list[str]) -> None:
    answer = run(*command)
    assert (answer.code, answer.out) == (2, "")
    assert "a number is too large" in answer.complaint


@pytest.mark.parametrize("command", [["marks", "retry", "domain"], ["resync", "--form"]], ids=" ".join)
def test_an_argument_that_is_no_text_is_one_line(run: Run, demo: object, command: list[str]) -> None:
    answer = run(*command, os.fsdecode(b"caf\xe9"))
    assert (answer.code, answer.out) == (2, "")
    assert "is not UTF-8" in answer.complaint


def test_a_cursor_that_nobody_gave_is_wrong_usage(run: Run, demo: object) -> None:
    assert run("registrations", "list", "--cursor", "made-up").code == 2


def test_hubspot_that_answers_no_more_today_is_one_line(run: Run, demo: Any) -> None:
    demo.contact()
    demo.sandbox.settings(demo.hub_id, daily_limit=1)
    answer = run("register", "asa@nordlys.se", "--yes")
    assert answer.code == 5
    assert "the daily quota is used up" in answer.complaint


def test_what_can_be_helped_is_known_by_its_class() -> None:
    assert len(set(known_errors())) == len(known_errors()) > 15


def test_the_help_answers_at_once_for_it_imports_nothing_heavy() -> None:
    script = (
        "import sys; from syncworker.cli.app import app\n"
        "heavy = {'sqlalchemy', 'hubspot', 'fastapi', 'dramatiq', 'redis', 'uvicorn', 'pydantic'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or 0)"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    done = python("-m", "syncworker.cli", "capacity", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "SYNCWORKER_DATABASE_URL is not set" in done.stderr


@pytest.mark.skipif(not FULL.is_char_device(), reason="this system has no disk that is always full")
def test_what_cannot_be_written_is_one_line(run: Run, demo: object) -> None:
    for command in (("doctor", "--sample", "0"), ("resync", "list", "--json")):
        with FULL.open("w", encoding="utf-8") as full:
            done = subprocess.run([*MODULE, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert "No space left on device" in done.stderr
    answer = run("resync", "--all", "--dry-run", "--csv", FULL)
    assert (answer.code, answer.out) == (2, "")
    assert "No space left on device" in answer.complaint


def test_a_command_that_nobody_can_hear_does_its_work(environment: object, demo: Any) -> None:
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *MODULE, "pause"], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (closed.returncode, closed.stderr) == (0, "")
    with demo.context.database.transaction() as tx:
        assert portals.get(tx, demo.hub_id).mode is portals.Mode.PAUSED


@given(st.text(alphabet=st.characters(), max_size=60))
def test_whatever_a_text_holds_it_is_one_line_of_what_can_be_seen(text: str) -> None:
    shown = output.clean(text)
    assert all(character.isprintable() or character in "\u200c\u200d" for character in shown)
    assert len(shown) <= 300


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("a\r\nb\tc", "a b c"),
        ("‮evil", "evil"),
        ("[red]Nordlys[/red]", "[red]Nordlys[/red]"),
        ("می‌خواهم", "می‌خواهم"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_a_text_keeps_what_can_be_read(text: str, shown: str) -> None:
    assert output.clean(text) == shown


def test_a_log_line_for_a_machine_is_json_also_of_libraries() -> None:
    script = (
        "import logging, structlog\n"
        "from syncworker import logs\n"
        "logs.configure(); logs.configure()\n"
        "structlog.get_logger('ours').info('mark_parked', hub_id=7)\n"
        "logging.getLogger('theirs').warning('hello %s', 'you')\n"
        "logging.getLogger('alembic').info('not of use')\n"
    )
    done = python("-c", script)
    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["event"], first["hub_id"], first["level"], first["logger"]) == (
        "mark_parked",
        7,
        "info",
        "ours",
    )
    assert (second["event"], second["level"]) == ("hello you", "warning")
