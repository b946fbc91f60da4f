"""Which error is an answer of HubSpot that is no success?

Every field of an error body is optional (HubSpot's error handling guide), and some answers are HTML pages or
plain text, so this looks at the status first and believes nothing else to be there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from syncworker.hubspot.errors import (
    FixCredentials,
    FixRequest,
    Gone,
    HubSpotError,
    PropertyError,
    RetryLater,
    Scope,
)
from syncworker.hubspot.json_values import JsonObject, objects, parsed, strings, text

# Not HubSpot's: the quota is new at midnight in the account's time zone, which a call does not know. Asking
# once an hour costs one call and is late by less than an hour.
DAILY_LOOK_AGAIN_S = 3600.0
# HubSpot's error handling guide: a 477 carries Retry-After, up to 24 hours.
MIGRATION_LONGEST_S = 86_400.0
MIGRATION_DEFAULT_S = 3600.0
# Ours. The header is documented for a 477 alone; elsewhere it may be a proxy's, or nonsense, and a whole portal rests.
LONGEST_S = 3600.0
# HubSpot's error handling guide: a lock of 423 lasts two seconds.
LOCK_S = 2.0
_PORTAL_AWAY = frozenset({502, 503, 504, 520, 521, 523, 524})
# The same guide: 522, 525 and 526 are for HubSpot's support, so not soon over.
_SUPPORT = frozenset({522, 525, 526})


def error_from(*, route: str, status: int, headers: Mapping[str, str], body: bytes) -> HubSpotError:
    """The error that an answer outside 2xx means. `headers` have lower-case names. Never raises."""
    return error_from_body(route=route, status=status, headers=headers, body=_body(body))


def error_from_body(*, route: str, status: int, headers: Mapping[str, str], body: JsonObject) -> HubSpotError:
    """The same for a body that is parsed already."""
    category = text(body, "category") or text(body, "errorType") or text(body, "status")
    message = text(body, "message") or text(body, "error_description") or f"status {status}, no JSON message"
    correlation_id = text(body, "correlationId") or headers.get("x-hubspot-correlation-id")

    def later(seconds: float, scope: Scope) -> RetryLater:
        return RetryLater(
            message,
            route=route,
            retry_after_s=seconds,
            scope=scope,
            status=status,
            category=category,
            correlation_id=correlation_id,
        )

    told = retry_after(headers)
    if status == 477:
        return later(min(told or MIGRATION_DEFAULT_S, MIGRATION_LONGEST_S), "migration")
    told = None if told is None else min(told, LONGEST_S)
    if status == 429:
        return later(*_rate_limit(body, message, told))
    if status == 423:
        return later(max(LOCK_S, told or 0.0), "call")
    if status in _SUPPORT:
        return later(told or 60.0, "portal")
    if status in _PORTAL_AWAY:
        return later(told or 2.0, "portal")
    if status >= 500 or status == 408:
        return later(told or 0.5, "call")
    if status in {401, 403}:
        return FixCredentials(
            message,
            route=route,
            status=status,
            category=category,
            correlation_id=correlation_id,
            missing_scopes=_scopes(body),
        )
    if status == 404:
        return Gone(message, route=route, status=status, category=category, correlation_id=correlation_id)
    return FixRequest(
        message,
        route=route,
        status=status,
        category=category,
        correlation_id=correlation_id,
        bad_properties=property_errors(body),
    )


# What the categories of a 207's errors mean, by the status the same trouble has alone.
_STATUS_OF_CATEGORY = {
    "OBJECT_NOT_FOUND": 404,
    "VALIDATION_ERROR": 400,
    "INVALID_EMAIL": 400,
    "CONFLICT": 409,
    "MISSING_SCOPES": 403,
    "INVALID_AUTHENTICATION": 401,
    "RATE_LIMITS": 429,
}


def error_of_record(*, route: str, error: JsonObject) -> HubSpotError:
    """The error that one entry of a batch answer's `errors` means.

    A category that is not known is retried, and counted by whoever asks: a record that fails for good parks
    then.
    """
    category = text(error, "category") or ""
    return error_from_body(route=route, status=_STATUS_OF_CATEGORY.get(category, 500), headers={}, body=error)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header; None where there is none, or it is a date or nonsense."""
    match = re.fullmatch(r"\s*(\d{1,7}(?:\.\d{1,6})?)\s*", headers.get("retry-after", ""), re.ASCII)
    return float(match[1]) if match else None


def property_errors(body: JsonObject) -> tuple[PropertyError, ...]:
    """The properties that a refusal names: in `errors[].context`, or in JSON inside `message`."""
    found = [
        PropertyError(name, text(entry, "code") or "", text(entry, "message") or "")
        for entry in objects(body, "errors")
        for name in _names(entry)
    ]
    found += [
        PropertyError(name, text(entry, "error") or "", text(entry, "message") or "")
        for entry in _embedded(text(body, "message") or "")
        if (name := text(entry, "name"))
    ]
    return tuple(dict.fromkeys(found))


def _names(entry: JsonObject) -> list[str]:
    context = entry.get("context")
    return strings(context, "propertyName") if isinstance(context, dict) else []


def _embedded(message: str) -> list[JsonObject]:
    # `Property values were not valid: [{"isValid":false,...}]` (HubSpot's error handling guide). Text may
    # follow.
    start = message.find("[{")
    if start < 0:
        return []
    try:
        entries, _ = json.JSONDecoder().raw_decode(message, start)
    except (ValueError, RecursionError):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _scopes(body: JsonObject) -> tuple[str, ...]:
    found: list[str] = []
    for entry in objects(body, "errors"):
        context = entry.get("context")
        if isinstance(context, dict):
            found += strings(context, "requiredGranularScopes") or strings(context, "requiredScopes")
    return tuple(dict.fromkeys(found))


def _rate_limit(body: JsonObject, message: str, told: float | None) -> tuple[float, Scope]:
    # Recorded bodies name the policy in `policyName`, or only in the message; no field is in all of them.
    policy = (text(body, "policyName") or "").upper()
    words = message.lower()
    if policy == "DAILY" or "daily limit" in words:
        return (told or DAILY_LOOK_AGAIN_S), "daily"
    if policy == "SECONDLY" or "secondly limit" in words:
        return (told or 1.0), "portal"
    # The window rolls, so quota comes back all the time: a second frees a tenth of it. HubSpot documents no
    # Retry-After here.
    return (told or 1.0), "portal"


def _body(body: bytes) -> JsonObject:
    try:
        value = parsed(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
