"""What does HubSpot, or somebody who is not HubSpot, get for a webhook?"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import redis
import structlog
from sqlalchemy import select

from syncworker.hubspot.signature import BadSignature
from syncworker.store.tables import inbox, marks
from syncworker.sync.triggers import inbox as waiting
from syncworker.web import webhooks
from syncworker.web.app import hold
from syncworker.web.receiving import Delivery
from web import signed
from web.deployment import HUB, OTHER_HUB, PUBLIC_URL, SECRET, Deployment
from web.serving import raw

ADDRESS = "/webhooks/hubspot"
MIB = 1_048_576


def test_a_signed_event_is_committed_and_rung_for_before_the_answer(
    client: httpx.Client, deployment: Deployment, redis_url: str
) -> None:
    content = signed.body(signed.event(17))
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "ignored": {}})
    assert deployment.rows(select(inbox.c.events)) == [([[HUB, "contact", "17", "form"]],)]
    with redis.Redis.from_url(redis_url) as rung:
        assert rung.llen("dramatiq:interactive") == 1


def test_an_accepted_event_becomes_a_mark(client: httpx.Client, deployment: Deployment) -> None:
    content = signed.body(signed.event(17))
    client.post(ADDRESS, content=content, headers=signed.headers(content))
    waiting.expand(deployment.context)
    assert deployment.rows(select(marks.c.hub_id, marks.c.kind, marks.c.object_id)) == [(HUB, "contact", "17")]


def test_a_hundred_events_are_one_row(client: httpx.Client, deployment: Deployment) -> None:
    content = signed.body(*(signed.event(number) for number in range(1, 101)))
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
    assert answer.json()["accepted"] == 100
    assert len(deployment.rows(select(inbox.c.id))) == 1


def test_the_configured_address_counts_whatever_a_proxy_made_of_it(client: httpx.Client) -> None:
    content = signed.body(signed.event())
    answer = client.post(ADDRESS, content=content, headers={**signed.headers(content), "Host": "10.0.0.7:8000"})
    assert answer.status_code == 200


def test_a_query_is_part_of_the_signed_address(client: httpx.Client) -> None:
    content = signed.body(signed.event())
    of_query = signed.headers(content, uri=f"{signed.URI}?a=%40b&c=%20d")
    assert client.post(f"{ADDRESS}?a=%40b&c=%20d", content=content, headers=of_query).status_code == 200
    assert client.post(ADDRESS, content=content, headers=of_query).status_code == 401


ODD_HEADERS: dict[str, dict[str, bytes]] = {
    "a wrong signature": {"X-HubSpot-Signature-v3": b"AAAA"},
    "a signature that is not ASCII": {"X-HubSpot-Signature-v3": b"\xc3\xa5\xff"},
    "a timestamp that is not ASCII": {"X-HubSpot-Request-Timestamp": b"\xd9\xa1\xd9\xa2"},
    "no timestamp to speak of": {"X-HubSpot-Request-Timestamp": b""},
    "a timestamp of another request": {"X-HubSpot-Request-Timestamp": b"%d" % (time.time() * 1000 + 1)},
}


def test_a_request_with_odd_headers_is_refused_and_nothing_stored(client: httpx.Client, deployment: Deployment) -> None:
    content = signed.body(signed.event())
    for what, odd in ODD_HEADERS.items():
        usual = {name: value.encode() for name, value in signed.headers(content).items()}
        changed = {name.encode(): value for name, value in {**usual, **odd}.items()}
        answer = client.post(ADDRESS, content=content, headers=changed)
        assert (answer.status_code, set(answer.json())) == (401, {"error"}), what
    assert deployment.rows(select(inbox.c.id)) == []


def test_a_request_is_taken_within_five_minutes_both_ways(client: httpx.Client) -> None:
    content = signed.body(signed.event())
    for age_s, status in ((290, 200), (310, 401), (-290, 200), (-310, 401)):
        answer = client.post(ADDRESS, content=content, headers=signed.headers(content, age_s=age_s))
        assert answer.status_code == status, age_s


def test_without_a_signature_nothing_is_taken(client: httpx.Client, deployment: Deployment) -> None:
    assert client.post(ADDRESS, content=signed.body(signed.event())).status_code == 401
    assert deployment.rows(select(inbox.c.id)) == []


def test_a_changed_body_is_refused(client: httpx.Client) -> None:
    answer = client.post(
        ADDRESS, content=signed.body(signed.event(2)), headers=signed.headers(signed.body(signed.event(1)))
    )
    assert answer.status_code == 401


@pytest.fixture
def log() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as entries:
        yield entries


def test_a_refused_request_is_logged_without_its_body(
    client: httpx.Client, log: list[structlog.typing.EventDict]
) -> None:
    client.post(ADDRESS, content=signed.body(signed.event(propertyValue="ada@acme.se")))
    [refused] = [entry for entry in log if entry["event"] == "webhook_refused"]
    assert "ada@acme.se" not in repr(log)
    assert refused["reason"].startswith("there is no signature")


@pytest.mark.parametrize("secret", ["", None])
def test_an_empty_client_secret_refuses_everything(
    client: httpx.Client, deployment: Deployment, secret: str | None
) -> None:
    deployment.portal(secret=secret)
    content = signed.body(signed.event())
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content, secret=""))
    assert answer.status_code == 401


def test_what_is_no_json_array_is_answered_with_400(client: httpx.Client, deployment: Deployment) -> None:
    for content in (b"", b"{", b"{}", b'"text"', b"\xff\xfe", b"[" * 200_000, b"null", b"NaN"):
        answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
        assert answer.status_code == 400, content[:20]
    assert deployment.rows(select(inbox.c.id)) == []


def test_a_stranger_is_not_told_whether_a_body_is_json(client: httpx.Client) -> None:
    assert client.post(ADDRESS, content=b"{").status_code == 401


def test_odd_events_are_counted_and_ignored_and_the_rest_is_taken(client: httpx.Client, deployment: Deployment) -> None:
    content = signed.body(
        signed.event(1),
        signed.event(2, subscriptionType="deal.creation"),
        signed.event(3, subscriptionType="contact.teleported"),
        signed.event(4, objectId=None),
        "text",
        None,
        signed.event(5, somethingNew={"deep": [1]}),
    )
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
    assert answer.json() == {"accepted": 2, "ignored": {"unknown_type": 2, "bad_shape": 3}}


def test_a_request_of_nothing_but_odd_events_stores_nothing(client: httpx.Client, deployment: Deployment) -> None:
    content = signed.body(signed.event(subscriptionType="deal.creation"))
    assert client.post(ADDRESS, content=content, headers=signed.headers(content)).status_code == 200
    assert deployment.rows(select(inbox.c.id)) == []


def test_a_secret_speaks_for_its_own_portals_alone(client: httpx.Client, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta", secret="another app's")
    content = signed.body(signed.event(1), signed.event(2, hub_id=OTHER_HUB), signed.event(3, hub_id=999))
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
    assert answer.json() == {"accepted": 1, "ignored": {"other_portal": 2}}
    assert deployment.rows(select(inbox.c.events)) == [([[HUB, "contact", "1", "form"]],)]


def test_portals_that_share_an_app_share_its_secret(client: httpx.Client, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta", secret=SECRET)
    content = signed.body(signed.event(1), signed.event(2, hub_id=OTHER_HUB))
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
    assert answer.json() == {"accepted": 2, "ignored": {}}


def test_a_body_of_one_mebibyte_is_read(client: httpx.Client) -> None:
    content = signed.body(signed.event())
    content += b" " * (MIB - len(content))
    assert client.post(ADDRESS, content=content, headers=signed.headers(content)).status_code == 200


HEAD = b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def test_a_larger_body_is_refused_while_it_comes(client: httpx.Client) -> None:
    # Never ended: whoever waits for the end of the body never answers.
    chunk = b"%x\r\n%b\r\n" % (MIB + 1, b"a" * (MIB + 1))
    answer = raw(client, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"1048576" in answer


def test_a_length_that_is_announced_is_not_believed(client: httpx.Client) -> None:
    answer = raw(client, HEAD + b"Content-Length: 99999999999\r\n\r\n" + b"a" * (MIB + 1))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_ends_early_harms_nobody(
    client: httpx.Client, deployment: Deployment, log: list[structlog.typing.EventDict]
) -> None:
    raw(client, HEAD + b"Content-Length: 10\r\n\r\nabc", hang_up=True)
    content = signed.body(signed.event())
    assert client.post(ADDRESS, content=content, headers=signed.headers(content)).status_code == 200
    assert len(deployment.rows(select(inbox.c.id))) == 1


def test_a_body_that_dawdles_is_given_up(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "BODY_WITHIN_S", 0.05)
    assert raw(client, HEAD + b"Content-Length: 10\r\n\r\nabc").startswith(b"HTTP/1.1 408 ")


def test_other_methods_are_answered_with_405(client: httpx.Client) -> None:
    answer = client.get(ADDRESS)
    assert (answer.status_code, set(answer.json())) == (405, {"error"})


def test_the_address_is_the_one_that_is_given_to_hubspot(deployment: Deployment) -> None:
    assert deployment.context.settings.webhook_url == f"{PUBLIC_URL}{ADDRESS}"


@pytest.mark.parametrize(("size", "here"), [(50_000, True), (1_000_000, False)])
def test_a_body_larger_than_hubspots_is_not_hashed_where_everybody_is_answered(
    deployment: Deployment, size: int, here: bool
) -> None:
    # Given that who reads the headers also hashes the body, once for each app that there is
    readers: list[threading.Thread] = []

    class Headers(dict[str, str]):
        def items(self) -> Any:
            readers.append(threading.current_thread())
            return super().items()

    content = b"x" * size
    delivery = Delivery(body=content, headers=Headers(), uri=signed.URI, received_at=datetime.now(UTC))
    holds = hold(deployment.context)
    holds.secrets.newest_portals(SECRET)
    with pytest.raises(BadSignature):
        asyncio.run(webhooks._understand(holds, delivery))
    assert {reader is threading.main_thread() for reader in readers} == {here}


def test_a_flood_of_large_forged_bodies_keeps_no_real_webhook_waiting(deployment: Deployment) -> None:
    # Given large bodies whose checks do not end
    end = threading.Event()

    class Headers(dict[str, str]):
        def items(self) -> Any:
            assert end.wait(60)
            return super().items()

    holds = hold(deployment.context)
    forged = Delivery(body=b"x" * 200_000, headers=Headers(), uri=signed.URI, received_at=datetime.now(UTC))
    content = signed.body(signed.event())
    real = Delivery(body=content, headers=signed.headers(content), uri=signed.URI, received_at=datetime.now(UTC))

    async def scenario() -> list[type]:
        flood = [asyncio.create_task(webhooks._understand(holds, forged)) for _ in range(50)]
        # When a real one comes, for which a thread must ask the database for the secrets
        async with asyncio.timeout(10):
            understood = await webhooks._understand(holds, real)
        assert understood.accepted == 1
        end.set()
        return [type(outcome) for outcome in await asyncio.gather(*flood, return_exceptions=True)]

    # I expect two of them to be checked, and the others told to come again
    outcomes = asyncio.run(scenario())
    assert (outcomes.count(BadSignature), outcomes.count(webhooks.Busy)) == (2, 48)
    assert holds.large_bodies.locked() is False
