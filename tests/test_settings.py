"""Does each setting that makes no sense stop the start with a sentence, all of them at once?"""

from __future__ import annotations

import pytest

from syncworker import settings
from syncworker.settings import SettingsError


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("database_url", "postgresql://[::1", "postgresql://user:password@host:5432/database"),
        ("database_url", "postgresql://host:port/x", "postgresql://user:password@host:5432/database"),
        ("redis_url", "redis://:bad:port", "redis://host:6379/0"),
        ("redis_url", "redis://[::1", "redis://host:6379/0"),
        ("public_url", "https://[::1", "https://host"),
        ("public_url", "https://host/path", "nothing behind it"),
        ("public_url", "https://host?lang=sv", "nothing behind it"),
        ("partner_capacity", "9" * 20, "less than or equal"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_starts(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load(**{name: value, "poll_seconds": 0})
    said = "\n".join(refused.value.problems)
    assert f"SYNCWORKER_{name.upper()}: " in said
    assert says in said
    assert "SYNCWORKER_POLL_SECONDS: " in said


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("database_url", "postgres://u:p%23w#d@h/db?host=/run", "postgresql+psycopg://u:p%23w#d@h/db?host=/run"),
        ("redis_url", "rediss://user:pass@host:6380/2", "rediss://user:pass@host:6380/2"),
        ("redis_url", "unix:///run/valkey.sock", "unix:///run/valkey.sock"),
        ("public_url", "https://host:8443/", "https://host:8443"),
        ("hubspot_base_url", "http://127.0.0.1:8100/hubspot/", "http://127.0.0.1:8100/hubspot"),
    ],
)
def test_what_makes_sense_is_taken(name: str, value: str, kept: str) -> None:
    assert getattr(settings.load(**{name: value}), name) == kept
