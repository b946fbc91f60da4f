"""What runs on this machine follows from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncworker.settings import Settings
from syncworker.up import plan
from syncworker.up.data_folder import locked
from syncworker.up.plan import Needs, Plan

ELSEWHERE = {
    "database_url": "postgresql://db.example/app",
    "redis_url": "redis://redis.example/0",
    "hubspot_access_token": "pat-1",
}


def settings(folder: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **values)  # type: ignore[call-arg,arg-type] # as its load()


def make(folder: Path, **values: object) -> Plan:
    with locked(folder) as held:
        return plan.make(settings(folder, **values), held, worker_processes=4)


def test_without_settings_everything_runs_here(tmp_path: Path) -> None:
    assert plan.needs(settings(tmp_path)) == Needs(postgres=True, valkey=True, sandbox=True)


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("database_url", "postgresql://db.example/app", Needs(postgres=False, valkey=True, sandbox=True)),
        ("redis_url", "redis://redis.example/0", Needs(postgres=True, valkey=False, sandbox=True)),
        ("hubspot_access_token", "pat-1", Needs(postgres=True, valkey=True, sandbox=False)),
        ("hubspot_refresh_token", "refresh", Needs(postgres=True, valkey=True, sandbox=False)),
        ("hubspot_base_url", "http://127.0.0.1:9", Needs(postgres=True, valkey=True, sandbox=False)),
    ],
)
def test_what_a_setting_gives_is_not_started(tmp_path: Path, name: str, value: str, needed: Needs) -> None:
    assert plan.needs(settings(tmp_path, **{name: value})) == needed


def test_with_everything_elsewhere_only_our_own_processes_run(tmp_path: Path) -> None:
    made = make(tmp_path, **ELSEWHERE)
    assert made.servers == ()
    assert "Sandbox" not in made.addresses
    assert set(made.published) == {"SYNCWORKER_SECRET_KEY", "SYNCWORKER_API_TOKEN"}


def test_processes_get_the_environment_and_what_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCWORKER_OWN_DOMAINS", "example.com")
    given = ELSEWHERE | {"hubspot_access_token": None}
    made = make(tmp_path, **given, port=9000, sandbox_port=9100)
    assert [process.name for process in made.servers] == ["sandbox"]
    for process in (made.worker, made.web, made.scheduler, made.preparation):
        assert process.command.env is not None
        assert process.command.env["SYNCWORKER_OWN_DOMAINS"] == "example.com"
        assert process.command.env["SYNCWORKER_HUBSPOT_BASE_URL"] == "http://127.0.0.1:9100"
        assert process.command.env["SYNCWORKER_PORT"] == "9000"
        assert len(process.command.env["SYNCWORKER_SECRET_KEY"]) >= 32
    assert made.preparation.command.argv[-1] == "http://127.0.0.1:9100"
    assert "http://127.0.0.1:9000/webhooks/hubspot" in made.servers[0].command.argv


def test_secrets_are_made_once_and_a_given_one_wins(tmp_path: Path) -> None:
    first = make(tmp_path, **ELSEWHERE).published
    assert make(tmp_path, **ELSEWHERE).published == first
    given = make(tmp_path, **ELSEWHERE, secret_key="k" * 32, api_token="t").published
    assert given == {"SYNCWORKER_SECRET_KEY": "k" * 32, "SYNCWORKER_API_TOKEN": "t"}


def test_so_many_worker_processes_as_asked_for(tmp_path: Path) -> None:
    worker = make(tmp_path, **ELSEWHERE).worker
    assert "--processes 4 --threads 8" in " ".join(worker.command.argv)


@pytest.mark.integration
def test_the_sandbox_and_a_real_portal_get_a_database_each(open_folder: Path) -> None:
    sandbox = make(open_folder, redis_url=ELSEWHERE["redis_url"])
    portal = make(open_folder, **(ELSEWHERE | {"database_url": None}))
    assert "/syncworker_sandbox?" in sandbox.published["SYNCWORKER_DATABASE_URL"]
    assert "/syncworker?" in portal.published["SYNCWORKER_DATABASE_URL"]


def test_only_the_ports_of_what_runs_must_be_free(tmp_path: Path) -> None:
    assert plan.ports(settings(tmp_path)) == {"SYNCWORKER_PORT": 8000, "SYNCWORKER_SANDBOX_PORT": 8100}
    assert plan.ports(settings(tmp_path, **ELSEWHERE)) == {"SYNCWORKER_PORT": 8000}


@pytest.mark.integration
def test_all_stop_times_together_stay_within_ten_seconds(open_folder: Path) -> None:
    made = make(open_folder)
    assert [process.name for process in made.servers] == ["postgres", "valkey", "sandbox"]
    assert sum(process.stop_seconds for process in (*made.servers, made.worker, made.web, made.scheduler)) <= 10
