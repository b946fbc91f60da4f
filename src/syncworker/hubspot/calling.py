"""How is one call to HubSpot made from its parts: quota, token, request, answer, error, retry?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from syncworker import tracing
from syncworker.hubspot import call_log
from syncworker.hubspot.answers import error_from
from syncworker.hubspot.credentials import Credentials
from syncworker.hubspot.errors import FixCredentials, HubSpotError, RetryLater, Scope
from syncworker.hubspot.json_values import JsonObject, UnreadableError, parsed, read_object
from syncworker.hubspot.quota import Bucket, Lane, told_by
from syncworker.hubspot.rate_limit import RateLimited, RateLimiter
from syncworker.hubspot.records import CallMade
from syncworker.hubspot.retrying import RetryBudget, with_retries
from syncworker.hubspot.transport import Answer, Transport

T = TypeVar("T")

# An answer that cannot be read was cut or came from a proxy on the way: the next one is probably whole.
_UNREADABLE_AGAIN_S = 0.5
# HubSpot's window rolls over ten seconds: after that long a pause it is empty.
_LONGEST_PAUSE_S = 10.0
# A refused token is renewed within a call, under a lock that others may hold while HubSpot hangs.
_STARTS_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: where, with what, and out of which of HubSpot's limits it is paid."""

    method: str
    path: str
    template: str | None = None
    """The path without ids, for errors and metrics; None where the path has none."""
    query: Sequence[tuple[str, str]] = ()
    body: Mapping[str, object] | None = None
    bucket: Bucket = "api"
    once: bool = False
    """A second one would do it twice: what got no answer is not repeated here."""

    @property
    def route(self) -> str:
        """Method and path, without ids."""
        return f"{self.method} {self.template or self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes calls for one portal. Thread-safe.

    `wait_s` is how long each attempt may wait for quota. No request is sent later than 20 s after the call began,
    whatever quota and tokens took; one is answered or given up within 20 s. So with a lease of 45 s none is under way
    when the lease ends.
    """

    hub_id: int
    transport: Transport
    credentials: Credentials
    limiter: RateLimiter
    on_call: Callable[[CallMade], None] | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)
    wait_s: float = 5.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    lane: Lane = Lane.INTERACTIVE

    def in_lane(self, lane: Lane) -> Caller:
        """The same, for work of this lane."""
        return replace(self, lane=lane)

    def call(self, call: Call, read: Callable[[JsonObject], T]) -> T:
        """Make the call and read its answer with `read`, which may raise UnreadableError.

        Raises RetryLater, FixRequest, FixCredentials or Gone.
        """
        refusals = attempts = 0
        starts_until = self.clock() + _STARTS_WITHIN_S

        def attempt() -> T:
            nonlocal refusals, attempts
            attempts += 1
            try:
                return self._with_token(call, read, attempts, starts_until)
            except RetryLater as error:
                if error.status == 429 and error.scope == "portal":
                    pause_s = min(_LONGEST_PAUSE_S, error.retry_after_s * 2**refusals)
                    self.limiter.penalise(self.hub_id, call.bucket, pause_s=pause_s)
                    refusals += 1
                raise

        try:
            if call.once:
                return attempt()
            return with_retries(attempt, budget=self.budget, sleep=self.sleep, clock=self.clock)
        except RateLimited as error:
            scope: Scope = "daily" if error.daily else "portal"
            raise RetryLater(str(error), route=call.route, retry_after_s=error.retry_after_s, scope=scope) from error

    def _with_token(self, call: Call, read: Callable[[JsonObject], T], attempt: int, starts_until: float) -> T:
        token = self.credentials.token()
        try:
            return self._once(call, read, token, attempt, starts_until)
        except FixCredentials as error:
            if error.status != 401:
                raise
            another = self.credentials.after_refusal(token)
            if another is None:
                raise
        return self._once(call, read, another, attempt, starts_until)

    def _once(self, call: Call, read: Callable[[JsonObject], T], token: str, attempt: int, starts_until: float) -> T:
        self._may_start(call, starts_until)
        asked = time.monotonic()
        wait_s = min(self.wait_s, max(0.0, starts_until - self.clock()))
        self.limiter.take(self.hub_id, call.bucket, wait_s=wait_s, lane=self.lane)
        self._may_start(call, starts_until)
        started = time.monotonic()
        answer: Answer | None = None
        failed: HubSpotError | None = None
        try:
            with tracing.span("hubspot call", portal=self.hub_id, route=call.route, lane=self.lane, attempt=attempt):
                answer = self.transport.send(
                    call.method,
                    call.path,
                    route=call.route,
                    headers={"Authorization": f"Bearer {token}"},
                    query=call.query,
                    # Escaped to ASCII, so that a lone surrogate in a value cannot break the encoding.
                    body=None if call.body is None else json.dumps(call.body, separators=(",", ":")),
                )
                tracing.add(status=answer.status, correlation_id=_correlation_id(answer, None))
            told = told_by(answer.headers)
            if told is not None:
                self.limiter.learn(self.hub_id, told)
            return _read(call, answer, read)
        except HubSpotError as error:
            failed = error
            raise
        finally:
            made = CallMade(
                hub_id=self.hub_id,
                method=call.method,
                route=call.route,
                status=answer.status if answer else failed.status if failed else None,
                seconds=time.monotonic() - started,
                error=type(failed).__name__ if failed else None,
                correlation_id=_correlation_id(answer, failed),
                lane=self.lane,
                waited_s=started - asked,
                answered_at=answer.date if answer else None,
            )
            call_log.note(made, failed, attempt=attempt)
            if self.on_call is not None:
                self.on_call(made)

    def _may_start(self, call: Call, starts_until: float) -> None:
        if self.clock() > starts_until:
            raise RetryLater(
                f"not sent: quota or a new token took over {_STARTS_WITHIN_S:.0f} s; see that HubSpot renews tokens",
                route=call.route,
                retry_after_s=_UNREADABLE_AGAIN_S,
                scope="portal",
            )


def _correlation_id(answer: Answer | None, failed: HubSpotError | None) -> str | None:
    if failed is not None and failed.correlation_id:
        return failed.correlation_id
    return answer.headers.get("x-hubspot-correlation-id") if answer else None


def _read(call: Call, answer: Answer, read: Callable[[JsonObject], T]) -> T:
    if not 200 <= answer.status <= 299:
        raise error_from(route=call.route, status=answer.status, headers=answer.headers, body=answer.body)
    try:
        return read(read_object(parsed(answer.body) if answer.status != 204 else {}, "the answer"))
    except UnreadableError as error:
        raise _unreadable(call, answer, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(call, answer, "the answer is not JSON") from error


def _unreadable(call: Call, answer: Answer, message: str) -> RetryLater:
    return RetryLater(
        message,
        route=call.route,
        retry_after_s=_UNREADABLE_AGAIN_S,
        status=answer.status,
        correlation_id=answer.headers.get("x-hubspot-correlation-id"),
    )
