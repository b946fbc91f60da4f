"""What does a request get that a fault has hit?"""

from __future__ import annotations

import asyncio

from syncworker.sandbox.answers import RefusedError, Reply, correlation_id, dumps, error
from syncworker.sandbox.clock import now_ms
from syncworker.sandbox.faults import Plan
from syncworker.sandbox.routes import Route
from syncworker.sandbox.world import World


class AbandonedError(Exception):
    """The caller gets no answer: the connection is dropped."""


async def hit(world: World, fault: str) -> None:
    """Let the fault happen, as far as it happens before the request is handled.

    Raises RefusedError with the answer it gets instead, AbandonedError where it gets none; returns where it is handled
    all the same.
    """
    plan = world.faults.plan
    if fault in ("timeout", "slow"):
        until = now_ms() + int((plan.timeout_s if fault == "timeout" else plan.slow_s) * 1000)
        while now_ms() < until and not world.closing:
            await asyncio.sleep(0.2)
    if fault in ("timeout", "reset"):
        raise AbandonedError
    if (refused := _refused(fault, plan)) is not None:
        raise refused


def route_class(route: Route) -> str:
    """Which of ROUTE_CLASSES a route is."""
    area = route.template.partition("/")[0]
    if area == "oauth":
        return "oauth"
    if area in ("form-integrations", "marketing"):
        return "forms"
    if route.search:
        return "search"
    return "write" if route.writes else "read"


def _refused(fault: str, plan: Plan) -> RefusedError | None:
    match fault:
        case "429":
            return _too_many("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING", plan)
        case "429_secondly":
            return _too_many("You have reached your secondly limit.", "SECONDLY", plan)
        case "429_daily":
            return _too_many("You have reached your daily limit.", "DAILY", plan)
        case "423":
            # HubSpot's error handling guide: other writes hold the same records.
            return error(423, "The records are locked by another operation", "LOCKED")
        case "477":
            # The same guide: the account is moved to another place; `Retry-After` says for how long.
            refused = error(477, "This account is being migrated", "MIGRATION_IN_PROGRESS")
            return _telling(refused.reply, 1.0 if plan.retry_after_s is None else plan.retry_after_s)
        case "500":
            return error(500, "internal error", "INTERNAL_ERROR")
        case "502":
            return RefusedError(Reply(502, b"<html><body>502 Bad Gateway</body></html>", "text/html"))
        case "html":
            return RefusedError(Reply(200, b"<html><body>We'll be right back</body></html>", "text/html"))
    return None


def _too_many(message: str, policy: str, plan: Plan) -> RefusedError:
    body = {
        "status": "error",
        "message": message,
        "errorType": "RATE_LIMIT",
        "policyName": policy,
        "correlationId": correlation_id(),
    }
    return _telling(Reply(429, dumps(body)), plan.retry_after_s)


def _telling(reply: Reply, retry_after_s: float | None) -> RefusedError:
    told = () if retry_after_s is None else (("Retry-After", f"{retry_after_s:g}"),)
    return RefusedError(Reply(reply.status, reply.body, reply.content_type, (*reply.headers, *told)))
