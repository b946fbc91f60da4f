"""Accounts are made, changed, listed and removed by the command line."""

from __future__ import annotations

from cli.conftest import Demo, Run

PASSWORD = "four words of some length"


def test_somebody_is_added_listed_changed_and_removed(run: Run, demo: Demo) -> None:
    assert run("users", "list").out.startswith("Nobody may sign in yet")
    added = run("users", "add", "Anna@Acme.se", "--role", "manager", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert added.out == "anna@acme.se may sign in as manager.\n"
    limited = ("users", "add", "bo@acme.se", "--role", "viewer", "--no-password", "--portal", demo.hub_id, "--json")
    assert run(*limited).json["portals"] == [demo.hub_id]
    found = run("users", "list", "--json").json["items"]
    assert [(user["email"], user["role"], user["has_password"]) for user in found] == [
        ("anna@acme.se", "manager", True),
        ("bo@acme.se", "viewer", False),
    ]
    assert found[0]["added_by"].startswith("cli:")
    assert run("users", "set", "bo@acme.se", "--role", "operator", "--every-portal", "--json").json["portals"] is None
    assert "/login/once/" in run("users", "link", "bo@acme.se").out
    assert run("users", "remove", "bo@acme.se", "--yes").out == "bo@acme.se is removed.\n"
    assert run("users", "remove", "bo@acme.se", "--yes").code == 3


def test_what_is_wrong_is_said_and_nothing_is_done(run: Run, demo: Demo) -> None:
    add = ("users", "add", "anna@acme.se", "--role", "manager", "--password-stdin")
    assert "12 to 1000 characters" in run(*add, stdin="short\n").complaint
    assert run("users", "add", "anna", "--role", "viewer", "--no-password").code == 2
    assert run("users", "add", "anna@acme.se", "--role", "king", "--no-password").code == 2
    assert run(*add, "--portal", 99, stdin=f"{PASSWORD}\n").code == 3
    assert run("users", "list", "--json").json == {"items": []}
    assert run(*add, stdin=f"{PASSWORD}\n").code == 0
    assert run(*add, stdin=f"{PASSWORD}\n").code == 4
    assert run("users", "set", "anna@acme.se").code == 2
    assert run("users", "set", "anna@acme.se", "--every-portal", "--portal", demo.hub_id).code == 2


def test_an_erased_person_has_no_account_any_more(run: Run, demo: Demo) -> None:
    run("users", "add", "anna@acme.se", "--role", "viewer", "--no-password")
    erased = run("privacy", "erase", "--email", "anna@acme.se", "--yes", "--json")
    assert erased.json["texts"] == {"users.email": 1}
    assert run("users", "list", "--json").json == {"items": []}
