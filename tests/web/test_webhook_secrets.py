"""When are client secrets read again?"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from syncworker.hubspot.signature import BadSignature
from syncworker.web.webhook_secrets import WebhookSecrets


class Stored:
    """What is stored, how often it was read, and a clock that stands."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = {int(name.removeprefix("hub")): secret for name, secret in secrets.items()}
        self.reads = 0
        self.seconds = 100.0
        self.kept = WebhookSecrets(self._load, clock=lambda: self.seconds)

    def _load(self) -> Mapping[int, str]:
        self.reads += 1
        return dict(self.secrets)

    def signed_with(self, secret: str) -> frozenset[int]:
        def verify(candidates: Mapping[str, str]) -> str:
            if secret in candidates.values():
                return secret
            raise BadSignature("the signature does not match")

        return self.kept.signer(verify)[1]


def test_a_secret_speaks_for_all_portals_that_have_it() -> None:
    stored = Stored(hub1="a", hub2="b", hub3="a")
    assert stored.signed_with("a") == {1, 3}


def test_secrets_are_read_once_in_some_seconds() -> None:
    stored = Stored(hub1="a")
    for stored.seconds in (100.0, 101.0, 104.9):
        stored.signed_with("a")
    assert stored.reads == 1
    stored.seconds = 105.0
    stored.signed_with("a")
    assert stored.reads == 2


def test_a_portal_connected_a_moment_ago_works_at_once() -> None:
    stored = Stored(hub1="a")
    stored.signed_with("a")
    stored.seconds += 1.5
    stored.secrets[2] = "b"
    assert stored.signed_with("b") == {2}


def test_a_new_portal_of_a_known_app_is_found_too() -> None:
    stored = Stored(hub1="a")
    stored.signed_with("a")
    stored.seconds += 1.5
    stored.secrets[2] = "a"
    assert stored.signed_with("a") == {1}
    assert stored.kept.newest_portals("a") == {1, 2}


def test_a_flood_of_forged_signatures_reads_once_a_second() -> None:
    stored = Stored(hub1="a")
    for _ in range(50):
        with pytest.raises(BadSignature):
            stored.signed_with("forged")
    assert stored.reads == 1
    stored.seconds += 1.0
    with pytest.raises(BadSignature):
        stored.signed_with("forged")
    assert stored.reads == 2


def test_a_secret_that_was_taken_away_speaks_no_more_after_some_seconds() -> None:
    stored = Stored(hub1="a")
    stored.signed_with("a")
    stored.secrets.clear()
    stored.seconds += 5.0
    with pytest.raises(BadSignature):
        stored.signed_with("a")


def test_an_empty_secret_speaks_for_nobody() -> None:
    with pytest.raises(BadSignature):
        Stored(hub1="").signed_with("")
