"""Connecting the demo's portals, when the sandbox does not answer as it should."""

from __future__ import annotations

import pytest
import requests
import responses

from support.rig import SECRET_KEY
from syncworker.settings import Settings
from syncworker.sync.portals.demo import connect_demo


@responses.activate
def test_a_sandbox_that_fails_stops_the_start_and_connects_nothing(database_url: str, redis_url: str) -> None:
    responses.get("http://127.0.0.1:1/_sandbox/portals", status=503)
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        hubspot_base_url="http://127.0.0.1:1",
    )
    with pytest.raises(requests.HTTPError, match="503"):
        connect_demo(settings, "http://127.0.0.1:1")
