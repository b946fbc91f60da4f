"""With which access token does a call go out, and what is done when HubSpot refuses it?

A static token is what it is. A refreshed one is renewed before it expires, once, under a lock that all
processes share: the store's row lock. Nobody logs or prints a token: their fields stay out of every repr.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from syncworker.hubspot.answers import error_from
from syncworker.hubspot.errors import FixCredentials, FixRequest, RetryLater
from syncworker.hubspot.json_values import parsed, read_object, text
from syncworker.hubspot.paths import Paths
from syncworker.hubspot.transport import Transport

# Access tokens live 30 minutes (HubSpot OAuth guide). Renewed this long before the end, so that a token never
# expires between the moment it is taken and the end of its call.
RENEW_BEFORE = timedelta(minutes=5)


class Credentials(Protocol):
    """What the client asks for a token."""

    def token(self) -> str:
        """The access token to use now. Raises FixCredentials or RetryLater where there is none."""

    def after_refusal(self, refused: str) -> str | None:
        """HubSpot answered 401 to `refused`: another token to try once, or None where there is none."""


@dataclass(frozen=True, slots=True)
class StaticToken:
    """The access token of an app with static authentication, or of a service key."""

    access_token: str = field(repr=False)

    def token(self) -> str:
        """The access token."""
        return self.access_token

    def after_refusal(self, refused: str) -> None:
        """There is no other one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """An OAuth grant as the store keeps it. `expires_at` is the access token's end (UTC)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


class TokenStore(Protocol):
    """Where grants are kept."""

    def refresh(self, hub_id: int, renew: Callable[[StoredToken], StoredToken]) -> StoredToken:
        """Lock the portal's grant against all other processes, hand it to `renew`, store what comes back.

        `renew` may return what it was given: then there is nothing to store. What it raises goes to the
        caller, and nothing is stored.
        """


class RefreshedToken:
    """An access token that is renewed with a refresh token. Thread-safe."""

    def __init__(
        self,
        *,
        hub_id: int,
        client_id: str,
        client_secret: str,
        store: TokenStore,
        transport: Transport,
        paths: Paths,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._hub_id = hub_id
        self._client_id = client_id
        self._client_secret = client_secret
        self._store = store
        self._transport = transport
        self._paths = paths
        self._now = now
        self._cached: StoredToken | None = None
        self._lock = threading.Lock()

    def token(self) -> str:
        """The access token, renewed where it ends within five minutes.

        Raises FixCredentials where HubSpot refuses the refresh token, RetryLater where it cannot be asked.
        """
        with self._lock:
            if self._cached is None or not self._lasts(self._cached):
                self._cached = self._store.refresh(
                    self._hub_id, lambda stored: stored if self._lasts(stored) else self._renew(stored)
                )
            return self._cached.access_token

    def after_refusal(self, refused: str) -> str | None:
        """The store's token where another process renewed it, or a new one where the refused one has expired.

        A refused token that is the newest and not expired is not renewed: HubSpot's 401 does not mean that a
        new token is due (its error handling guide), and renewing on it would be a loop.
        """

        def renew(stored: StoredToken) -> StoredToken:
            newer = stored.access_token != refused
            return stored if newer or self._now() < stored.expires_at else self._renew(stored)

        with self._lock:
            self._cached = self._store.refresh(self._hub_id, renew)
            return None if self._cached.access_token == refused else self._cached.access_token

    def _lasts(self, stored: StoredToken) -> bool:
        return self._now() + RENEW_BEFORE < stored.expires_at

    def _renew(self, stored: StoredToken) -> StoredToken:
        route = f"POST {self._paths.oauth_token}"
        asked_at = self._now()
        answer = self._transport.send(
            "POST",
            self._paths.oauth_token,
            route=route,
            headers={},
            form=[
                ("grant_type", "refresh_token"),
                ("client_id", self._client_id),
                ("client_secret", self._client_secret),
                ("refresh_token", stored.refresh_token),
            ],
        )
        if not 200 <= answer.status <= 299:
            error = error_from(route=route, status=answer.status, headers=answer.headers, body=answer.body)
            if isinstance(error, FixRequest):
                # BAD_REFRESH_TOKEN, BAD_CLIENT_SECRET and their like are answered with 400.
                raise FixCredentials(
                    error.message,
                    route=route,
                    status=error.status,
                    category=error.category,
                    correlation_id=error.correlation_id,
                )
            raise error
        return self._read(answer.body, stored, asked_at, route)

    def _read(self, body: bytes, stored: StoredToken, asked_at: datetime, route: str) -> StoredToken:
        try:
            granted = read_object(parsed(body), "the answer")
        except (ValueError, RecursionError) as error:
            raise RetryLater("the answer is no JSON object", route=route, retry_after_s=2.0) from error
        access_token, seconds = text(granted, "access_token"), granted.get("expires_in")
        told_hub = granted.get("hub_id")
        if access_token is None or not isinstance(seconds, int) or seconds <= 0:
            raise RetryLater("the answer holds no token", route=route, retry_after_s=2.0)
        if told_hub is not None and told_hub != self._hub_id:
            # Written into another portal, registrations would be shown to strangers.
            raise FixCredentials(f"the refresh token belongs to portal {told_hub}, not to {self._hub_id}", route=route)
        return StoredToken(
            access_token=access_token,
            # HubSpot is not known to rotate refresh tokens; if it does, the new one counts.
            refresh_token=text(granted, "refresh_token") or stored.refresh_token,
            expires_at=asked_at + timedelta(seconds=min(seconds, 86_400)),
        )
