"""What a mistake in the settings keeps from starting, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.rig import SECRET_KEY
from support.sandbox_server import SandboxServer
from syncworker.up import prepare


@pytest.mark.parametrize(("tier", "complaint"), [("golden", "golden"), ("gold", "the token belongs to portal")])
def test_a_mistake_in_the_settings_is_said_in_a_line(
    sandbox: SandboxServer,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tier: str,
    complaint: str,
) -> None:
    first, second = sandbox.portals()
    given = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": SECRET_KEY,
        "HUBSPOT_BASE_URL": sandbox.base_url,
        "HUBSPOT_ACCESS_TOKEN": first["access_token"],
        "HUBSPOT_PORTAL_ID": str(second["hub_id"]),
        "PARTNER_TIER": tier,
    }
    for name, value in given.items():
        monkeypatch.setenv(f"SYNCWORKER_{name}", value)
    monkeypatch.chdir(tmp_path)
    assert prepare.main([]) == 1
    said = capsys.readouterr().err
    assert complaint in said
    assert len(said.splitlines()) == 1
