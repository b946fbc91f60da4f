"""How does HubSpot hand us its events, and what is it told?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import anyio
import orjson
import psycopg
import structlog
from anyio import CapacityLimiter
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from syncworker import tracing
from syncworker.hubspot.events import NotWebhookJson
from syncworker.hubspot.signature import BadSignature
from syncworker.store.secrets import WrongSecretKey
from syncworker.web.held import Held
from syncworker.web.receiving import Delivery, Understood, understand
from syncworker.web.telemetry import Outcome
from syncworker.web.webhook_secrets import NotKept

log = structlog.get_logger(__name__)

PATH = "/webhooks/hubspot"

MOST_BYTES = 1_048_576
# Twice what HubSpot sends (100 events of half a kilobyte). What is larger may be a stranger's, and is hashed with the
# secret of every app before that is known: with a hundred apps a third of a second, in which nobody else is answered.
MOST_BYTES_HERE = 131_072
# HubSpot gives up after 5 s (usage guidelines of webhooks); a clear 503 before that, and it sends again.
ANSWER_WITHIN_S = 2.5
BODY_WITHIN_S = 10.0


class TooLarge(Exception):
    """The body is larger than anything HubSpot sends (100 events)."""

    def __init__(self) -> None:
        super().__init__(f"the body is larger than {MOST_BYTES} bytes; send fewer events at once")


class CutOff(Exception):
    """Whoever sent the body hung up before its end."""


class Busy(Exception):
    """As many large bodies are checked as may be at once."""

    def __init__(self) -> None:
        super().__init__(f"other bodies of more than {MOST_BYTES_HERE} bytes are being checked; send it again")


class Answer(NamedTuple):
    """What HubSpot is told."""

    status: int
    content: Mapping[str, object]


class Webhooks:
    """Answers webhooks, and leaves all other requests to the app.

    Before the app's routes and what surrounds them, which would take longer than all the rest of an answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
        elif scope["method"] == "POST":
            await _send(send, await hubspot(scope["app"].state.held, scope, receive))
        else:
            await _send(send, Answer(405, {"error": "Method Not Allowed"}), (b"allow", b"POST"))


async def hubspot(holds: Held, scope: Scope, receive: Receive) -> Answer:
    """Take events: 200 when they are committed; 400, 401, 408, 413; 503 so that HubSpot sends again."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await _body(receive)
    except TooLarge as error:
        return _refused(holds, 413, "too_large", str(error))
    except TimeoutError:
        return _refused(holds, 408, "cut_off", "the body did not come in time; send it again")
    except CutOff:
        return _refused(holds, 400, "cut_off", "the body ended early; send it again")
    delivery = Delivery(
        body=body,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        uri=_signed_uri(holds, scope),
        # Our own clock, not the database's: to ask the database before the signature is checked would let anybody
        # make it work, and within five minutes every server's clock is right.
        received_at=datetime.now(UTC),
    )
    try:
        with tracing.span("webhook", bytes=len(body)):
            async with asyncio.timeout(ANSWER_WITHIN_S):
                understood = await _understand(holds, delivery)
                if understood.row:
                    # Harmless when it succeeds after all: the same events come again, and mark the same records.
                    await holds.intake.keep(understood.row)
    except BadSignature as error:
        return _refused(holds, 401, "unsigned", str(error), bytes=len(body))
    except NotWebhookJson as error:
        return _refused(holds, 400, "malformed", str(error), bytes=len(body))
    except Busy as error:
        return _refused(holds, 503, "busy", str(error), bytes=len(body))
    except (SQLAlchemyError, psycopg.Error, WrongSecretKey, TimeoutError) as error:
        log.error("webhook_not_stored", error=type(error).__name__, detail=_first_line(error))
        return _refused(holds, 503, "unavailable", "the events cannot be stored now; send them again")
    holds.telemetry.webhook("accepted")
    holds.telemetry.events(accepted=understood.accepted, ignored=understood.ignored)
    return Answer(200, {"accepted": understood.accepted, "ignored": understood.ignored})


async def _understand(holds: Held, delivery: Delivery) -> Understood:
    if len(delivery.body) > MOST_BYTES_HERE:
        # A flood of forged ones must not keep the others waiting for a thread; HubSpot sends again what is refused.
        if holds.large_bodies.locked():
            raise Busy
        async with holds.large_bodies:
            return await _in_a_thread(holds, delivery, holds.large_body_threads)
    try:
        # A millisecond of this thread: to hand it to another takes longer, for this one waits for its turn anyway.
        return understand(holds.secrets, delivery, ask=False)
    except NotKept:
        return await _in_a_thread(holds, delivery, holds.webhook_threads)


async def _in_a_thread(holds: Held, delivery: Delivery, threads: CapacityLimiter) -> Understood:
    return await anyio.to_thread.run_sync(
        lambda: understand(holds.secrets, delivery, ask=True), abandon_on_cancel=True, limiter=threads
    )


def _signed_uri(holds: Held, scope: Scope) -> str:
    # HubSpot signs the address that it was given. A proxy may have made anything of host, scheme and path.
    query = scope["query_string"].decode("latin-1")
    return holds.context.settings.webhook_url + (f"?{query}" if query else "")


async def _body(receive: Receive) -> bytes:
    """The raw bytes, counted as they come: a Content-Length can say anything, or be missing."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CutOff
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MOST_BYTES:
            raise TooLarge
        more = message.get("more_body", False)
    return b"".join(chunks)


def _refused(holds: Held, status: int, outcome: Outcome, message: str, **facts: int) -> Answer:
    # Never the body: it may hold a person's data, or be an attacker's.
    log.warning("webhook_refused", status=status, outcome=outcome, reason=message, **facts)
    holds.telemetry.webhook(outcome)
    return Answer(status, {"error": message})


async def _send(send: Send, answer: Answer, *headers: tuple[bytes, bytes]) -> None:
    content = orjson.dumps(answer.content)
    length = b"%d" % len(content)
    described = [(b"content-type", b"application/json"), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": described})
    await send({"type": "http.response.body", "body": content})


def _first_line(error: Exception) -> str:
    # The rest of a database error is the statement with its values.
    return str(error).partition("\n")[0][:300]
