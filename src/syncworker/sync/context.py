"""What does a process hold for its whole life: settings, database, HubSpot clients, rules, the bell?"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.credentials import Credentials, RefreshedToken, StoredToken
from syncworker.hubspot.paths import Paths
from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.quota import Lane, Quota
from syncworker.hubspot.rate_limit import RateLimiter, SharedRateLimiter, connect
from syncworker.hubspot.records import CallMade
from syncworker.hubspot.transport import Transport
from syncworker.program import Program, load_program
from syncworker.registration.ledger.capacity import Terms, terms
from syncworker.registration.ledger.deciding import Conditions
from syncworker.registration.rules.domain_rules import DomainRules, domain_rules
from syncworker.registration.rules.facts import Rules
from syncworker.settings import HUBSPOT_API, Settings
from syncworker.store import portals
from syncworker.store.database import Clock, Database, Tx
from syncworker.store.portals import CredentialStore, Partner
from syncworker.store.secrets import PortalCredentials, Secrets
from syncworker.sync.wake import RedisWaker, Waker
from syncworker.sync.watch import clock_skew
from syncworker.sync.watch.clock_back import LastSeen
from syncworker.sync.watch.clock_skew import HubSpotClock

# As long as a portal rests that was blocked for its credentials: a person may have connected it anew.
CLIENT_LASTS_S = 300.0


class Context:
    """Everything the functions of `sync` need. Thread-safe; one per process."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        waker: Waker | None = None,
        limiter: RateLimiter | None = None,
        on_call: Callable[[CallMade], None] | None = None,
        pool_size: int = 10,
        database: Database | None = None,
    ) -> None:
        """`database`: one that is open already, in place of one with this clock and pool.

        Raises SettingsError where something that is needed is not set.
        """
        settings.require("database_url", "redis_url", "secret_key")
        self.settings = settings
        self.database = database or Database(str(settings.database_url), clock=clock, pool_size=pool_size)
        secret_key = settings.secret_key.get_secret_value() if settings.secret_key else ""
        self.secrets = Secrets(secret_key)
        self.names = PropertyNames()
        self.waker: Waker = waker or RedisWaker(str(settings.redis_url))
        self.hubspot_clock = HubSpotClock()
        self.last_seen = LastSeen()
        # By portal and kind: what the last look at the newest was shown. Losing it costs nothing but looking twice.
        self.newest_shown: dict[tuple[int, str], frozenset[tuple[str, datetime | None]]] = {}
        self._told_of_calls = on_call
        self._limiter_client = connect(str(settings.redis_url))
        self._time_zones: dict[int, str] = {}
        self.limiter: RateLimiter = limiter or SharedRateLimiter(
            self._limiter_client,
            share=settings.hubspot_share,
            limit=settings.hubspot_ten_second_limit,
            daily_limit=settings.hubspot_daily_limit,
            time_zone_of=self._time_zone,
        )
        self.credentials = CredentialStore(self.database, self.secrets)
        self._clients: dict[int, tuple[float, HubSpotClient]] = {}
        self._lock = threading.Lock()
        self.lane = Lane.INTERACTIVE
        """Whose turn it is when HubSpot's quota is short: see `in_lane`."""

    def in_lane(self, lane: Lane) -> Context:
        """The same, for work of this lane: what is done with it calls HubSpot after, or before, the other lane."""
        other = copy.copy(self)
        other.lane = lane
        return other

    @property
    def base_url(self) -> str:
        """The address of HubSpot's API, or of the sandbox."""
        return self.settings.hubspot_base_url or HUBSPOT_API

    @property
    def domain_rules(self) -> DomainRules:
        """The lists by which a website is a domain, or is not."""
        return domain_rules()

    def client(self, hub_id: int) -> HubSpotClient:
        """The portal's client, made once in a while: its connections are kept, and new credentials are taken up."""
        with self._lock:
            made, client = self._clients.get(hub_id, (0.0, None))
            if client is None or time.monotonic() - made > CLIENT_LASTS_S:
                # The old one is not closed: another thread may be in the middle of a call.
                client = self._make_client(hub_id)
                self._clients[hub_id] = (time.monotonic(), client)
            return client if self.lane is Lane.INTERACTIVE else client.in_lane(self.lane)

    def quota(self, hub_id: int) -> Quota | None:
        """What is left of HubSpot's limits for the portal; None while Redis is away."""
        return self.limiter.quota(hub_id)

    def on_call(self, call: CallMade) -> None:
        """A call to HubSpot was made: its answer says what time it is there."""
        self.hubspot_clock.hear(call)
        if self._told_of_calls is not None:
            self._told_of_calls(call)

    def terms(self, partner: Partner, tx: Tx) -> Terms:
        """What the program grants the partner now."""
        return terms(partner, program(partner.program), tx.now)

    def conditions(self, tx: Tx, *, if_time_unknown: bool = True) -> Conditions:
        """What deciding depends on besides the lead.

        `if_time_unknown`: whether what is overdue may end where nobody knows what time it is at HubSpot.
        """
        return Conditions(
            terms_of=lambda partner: self.terms(partner, tx),
            rules=Rules(crm_deregister_allowed=self.settings.crm_deregister == "allow"),
            undo=timedelta(seconds=self.settings.undo_seconds),
            may_end=lambda: clock_skew.may_end(tx, self.hubspot_clock, if_unknown=if_time_unknown),
        )

    def close(self) -> None:
        """Close all connections."""
        for _, client in self._clients.values():
            client.close()
        self._limiter_client.close()
        if isinstance(self.waker, RedisWaker):
            self.waker.close()
        self.database.close()

    def _make_client(self, hub_id: int) -> HubSpotClient:
        self._time_zones.pop(hub_id, None)
        return HubSpotClient(
            hub_id=hub_id,
            base_url=self.base_url,
            api_version=self.settings.hubspot_api_version,
            credentials=self._credentials(hub_id),
            limiter=self.limiter,
            on_call=self.on_call,
        )

    def _time_zone(self, hub_id: int) -> str:
        """Where the portal's daily quota is new at midnight; read again with each new client."""
        known = self._time_zones.get(hub_id)
        if known is None:
            with self.database.transaction() as tx:
                portal = portals.find(tx, hub_id)
            if portal is None:
                return "UTC"  # about to be connected
            known = self._time_zones[hub_id] = portal.time_zone
        return known

    def _credentials(self, hub_id: int) -> Credentials:
        stored = self.credentials.load(hub_id)
        if stored.refresh_token and stored.client_id and stored.client_secret:
            return RefreshedToken(
                hub_id=hub_id,
                client_id=stored.client_id,
                client_secret=stored.client_secret,
                store=_Grants(self.credentials),
                transport=Transport(self.base_url),
                paths=Paths(self.settings.hubspot_api_version),
            )
        return _StoredStaticToken(hub_id, self.credentials, stored.access_token or "")


class _StoredStaticToken:
    """A static token, read again from the store when HubSpot refuses it: a person may have replaced it."""

    def __init__(self, hub_id: int, store: CredentialStore, token: str) -> None:
        self._hub_id = hub_id
        self._store = store
        self._token = token

    def token(self) -> str:
        """The access token."""
        return self._token

    def after_refusal(self, refused: str) -> str | None:
        """The store's token, if it is another one."""
        self._token = self._store.load(self._hub_id).access_token or ""
        return None if self._token == refused else self._token


class _Grants:
    """The store of OAuth grants, as the client's credentials see it."""

    def __init__(self, store: CredentialStore) -> None:
        self._store = store

    def refresh(self, hub_id: int, renew: Callable[[StoredToken], StoredToken]) -> StoredToken:
        """Hand the grant to `renew` under the row's lock."""
        grant: list[StoredToken] = []

        def renewed(stored: PortalCredentials) -> PortalCredentials:
            current = StoredToken(
                access_token=stored.access_token or "",
                refresh_token=stored.refresh_token or "",
                # Without a known end it is taken as ended, and renewed.
                expires_at=stored.expires_at or datetime(1970, 1, 1, tzinfo=UTC),
            )
            new = renew(current)
            grant.append(new)
            return PortalCredentials(
                access_token=new.access_token,
                refresh_token=new.refresh_token,
                client_id=stored.client_id,
                client_secret=stored.client_secret,
                expires_at=new.expires_at if new is not current else stored.expires_at,
            )

        self._store.renew(hub_id, renewed)
        return grant[-1]


@lru_cache(maxsize=32)
def program(name: str) -> Program:
    """The program of that name, read once."""
    return load_program(name)
