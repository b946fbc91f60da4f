"""Does every error become one line that says what to do?"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from syncworker.hubspot.errors import FixCredentials, RetryLater
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store.secrets import WrongSecretKey
from syncworker.web import errors
from web.serving import serving

RAISED: dict[str, tuple[Exception, int]] = {
    "credentials": (FixCredentials("the token has expired", route="GET /crm", status=401), 502),
    "later": (RetryLater("try again", route="GET /crm", retry_after_s=2.0, status=503), 503),
    "limit": (RateLimited(1, "api", 0.5), 503),
    "key": (WrongSecretKey(), 503),
    "surrogate": (FixCredentials("odd \ud800 text\nof two lines", route="GET /crm"), 502),
}


@pytest.fixture(scope="module")
def failing() -> Iterator[httpx.Client]:
    app = FastAPI()
    errors.install(app)

    @app.get("/{name}")
    def fail(name: str) -> None:
        raise RAISED[name][0]

    with serving(app) as client:
        yield client


@pytest.mark.parametrize("name", RAISED)
def test_each_error_has_its_status_and_one_line(failing: httpx.Client, name: str) -> None:
    answer = failing.get(f"/{name}")
    assert answer.status_code == RAISED[name][1]
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"].strip()
    assert "\n" not in answer.json()["error"]


def test_who_asks_is_told_to_try_again_which_nobody_does_for_them(failing: httpx.Client) -> None:
    assert failing.get("/later").json()["error"].endswith("; try again in 2 s")
