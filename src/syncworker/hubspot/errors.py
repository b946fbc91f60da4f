"""What can go wrong in a call to HubSpot, and what can the caller do about it?

Four answers: retry after a time, fix the request, fix the credentials, gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from syncworker.redaction import without_emails
from syncworker.store.texts import storable

Scope = Literal["call", "portal", "daily", "migration"]


class HubSpotError(Exception):
    """A call to HubSpot that failed. `str()` is one line: what happened, and what to do, as workers say it."""

    @property
    def advice(self) -> str:
        """What the reader can do."""
        return "see the message"

    def __init__(
        self,
        message: str,
        *,
        route: str,
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        """`status` is None where no answer came; `route` is method and path, without query and host."""
        self.status = status
        self.category = category
        # It may quote what was sent: the email a contact was looked up by, or what no database keeps. Kept it is.
        self.message = storable(without_emails(message))
        self.correlation_id = storable(correlation_id) if correlation_id else None
        self.route = route
        super().__init__(self.message)

    def __str__(self) -> str:
        return self._line(self.advice)

    @property
    def told(self) -> str:
        """The same line for a person whose command or request ends with it: nobody tries again for them."""
        return self._line(self.advice)

    def _line(self, advice: str) -> str:
        answered = f"HubSpot answered {self.status}" if self.status is not None else "No answer from HubSpot"
        told = " ".join(self.message.split())
        if len(told) > 300:
            told = f"{told[:299]}…"
        reference = f" [correlation id {self.correlation_id}]" if self.correlation_id else ""
        return f"{answered} to {self.route}: {told}{reference}; {advice}"


class RetryLater(HubSpotError):
    """Nothing is wrong with the call: make it again after `retry_after_s` seconds.

    `scope` says what has to wait: the `call`, everything of the `portal` (rate limit, outage), everything
    until the `daily` quota is new, or everything until HubSpot finished its `migration` of the account.
    """

    def __init__(
        self,
        message: str,
        *,
        route: str,
        retry_after_s: float,
        scope: Scope = "call",
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, route=route, status=status, category=category, correlation_id=correlation_id)
        self.retry_after_s = retry_after_s
        self.scope: Scope = scope

    @property
    def advice(self) -> str:
        """What the reader can do: wait, and for how long."""
        if self.scope == "daily":
            # Where HubSpot did not say so, our own limiter keeps the rest for others: its message says for how long.
            used_up = "the daily quota is used up until midnight in the account's time zone; " if self.status else ""
            return f"{used_up}asked again in {self.retry_after_s:.0f} s"
        what = {
            "call": "this call",
            "portal": "this portal",
            "migration": "HubSpot's migration of the account",
        }
        return f"{what[self.scope]} is tried again in {self.retry_after_s:.1f} s"

    @property
    def told(self) -> str:
        """The line for a person: when to try again."""
        # As `advice`: what our own limiter keeps for others is not used up, and may be had before midnight.
        if self.scope == "daily" and self.status:
            return self._line("the daily quota is used up until midnight in the account's time zone: try again then")
        wait = f"try again in {max(1, math.ceil(self.retry_after_s))} s"
        return self._line(f"HubSpot migrates the account: {wait}" if self.scope == "migration" else wait)


@dataclass(frozen=True, slots=True)
class PropertyError:
    """One property that HubSpot refused: its name, HubSpot's code such as INVALID_INTEGER, its sentence."""

    name: str
    error: str
    message: str


class FixRequest(HubSpotError):
    """Something in the request is refused, and will be again: `bad_properties` names what HubSpot named.

    Of a batch, HubSpot refuses all records for one bad one: split it until the bad record is alone.
    """

    @property
    def advice(self) -> str:
        """What the reader can do: change the request."""
        return "change the request; sent again as it is, it fails again"

    def __init__(
        self,
        message: str,
        *,
        route: str,
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
        bad_properties: tuple[PropertyError, ...] = (),
    ) -> None:
        super().__init__(message, route=route, status=status, category=category, correlation_id=correlation_id)
        self.bad_properties = bad_properties

    @property
    def exists(self) -> bool:
        """The thing to be created is there already."""
        return self.status == 409


class FixCredentials(HubSpotError):
    """The token is refused, belongs to another account, or lacks `missing_scopes`."""

    def __init__(
        self,
        message: str,
        *,
        route: str,
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
        missing_scopes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, route=route, status=status, category=category, correlation_id=correlation_id)
        self.missing_scopes = missing_scopes

    @property
    def advice(self) -> str:
        """What the reader can do: grant the scopes, or give a new token."""
        if self.missing_scopes:
            return f"grant the app the scopes {', '.join(self.missing_scopes)}, and install it again"
        return "give the portal a new access token"


class Gone(HubSpotError):
    """The record (or form, or property) is not there: deleted, archived, or never was."""

    @property
    def advice(self) -> str:
        """What the reader can do: look whether the id is right."""
        return "it was deleted, or the id is wrong"
