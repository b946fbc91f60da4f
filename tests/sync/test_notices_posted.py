"""Is a notice posted to somebody's address as promised: signed, once under one key, and tried again?"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.rig import Rig
from syncworker.access import users
from syncworker.access.roles import Role
from syncworker.registration.rules.terms import HoldKind
from syncworker.store.database import Tx
from syncworker.sync import operations
from syncworker.sync.notices import delivering
from syncworker.sync.notices.by_webhook import signature
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.switches import BadWebhookUrl, set_webhook, switch

EVA = "eva@us.example"
Posted = tuple[dict[str, str], bytes]


class Receiver:
    """Keeps what is posted to it, and answers as it is told."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # http.server's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posted.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/notices"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def set_up(rig: Rig, receiver: Receiver) -> str:
    """Eva's notices of refusals are posted to the receiver; gives the secret."""

    def work(tx: Tx) -> str | None:
        users.add(tx, EVA, role=Role.MANAGER, password=None, who="t")
        switch(tx, rig.hub, EVA, [NoticeKind.REFUSED], channel=Channel.WEBHOOK, on=True, who="t")
        return set_webhook(tx, rig.context.secrets, EVA, receiver.url, who="t")

    secret = rig.context.database.run(work)
    assert secret is not None
    operations.add_hold(rig.context, "fjordline-tools.se", HoldKind.EXISTING_CUSTOMER, who="t")
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    return secret


def after(rig: Rig, minutes: int = 2) -> None:
    rig.pass_time(minutes=minutes)
    delivering.tell(rig.context)


def test_it_is_signed_names_the_portal_and_tells_facts_and_words(rig: Rig, receiver: Receiver) -> None:
    secret = set_up(rig, receiver)
    after(rig)
    after(rig)
    [(headers, body)] = receiver.posted
    assert headers["syncworker-signature"] == f"v1={signature(secret, headers['syncworker-timestamp'], body)}"
    told = json.loads(body)
    assert (told["kind"], told["portal"], told["id"]) == ("refused", rig.hub, headers["idempotency-key"])
    assert told["facts"]["count"] == 1
    assert "fjordline-tools.se: unavailable, an existing customer" in told["text"]
    assert told["url"].endswith(f"/leads/unavailable?portal={rig.hub}")
    assert "ada@" not in body.decode()


@pytest.mark.parametrize("status", [500, 302])
def test_an_answer_that_is_no_success_is_asked_again_under_the_same_key(
    rig: Rig, receiver: Receiver, status: int
) -> None:
    set_up(rig, receiver)
    receiver.status = status
    after(rig)
    [mark] = [mark for mark in rig.marks() if mark.kind == "notice"]
    assert mark.last_error == f"notice not sent: the receiver answered {status}"
    receiver.status = 200
    after(rig)
    first, second = receiver.posted
    assert first[0]["idempotency-key"] == second[0]["idempotency-key"]
    assert [mark for mark in rig.marks() if mark.kind == "notice"] == []


def test_an_address_that_says_it_is_gone_waits_for_a_person(rig: Rig, receiver: Receiver) -> None:
    set_up(rig, receiver)
    receiver.status = 410
    after(rig)
    [mark] = [mark for mark in rig.marks() if mark.kind == "notice"]
    assert mark.parked_at is not None


def test_only_https_is_posted_to(rig: Rig) -> None:
    rig.context.database.run(lambda tx: users.add(tx, EVA, role=Role.MANAGER, password=None, who="t"))
    wrong = (
        "http://elsewhere.example/x",
        "ftp://x.example",
        "https://",
        "https://x\n.example",
        "https://x/" + "x" * 3000,
    )
    for url in wrong:
        with pytest.raises(BadWebhookUrl):
            rig.context.database.run(lambda tx: set_webhook(tx, rig.context.secrets, EVA, url, who="t"))  # noqa: B023 - run at once
