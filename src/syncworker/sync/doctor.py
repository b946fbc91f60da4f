"""Is everything as it must be, and if not, what is to be done?

Nothing is changed. A permission is tried by a call that does nothing: reading one record, updating a record
and a property that cannot exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.errors import FixCredentials, FixRequest, Gone, HubSpotError, RetryLater
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.settings import PREFIX
from syncworker.store import migrate, portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.store.secrets import WrongSecretKey
from syncworker.sync.context import Context
from syncworker.sync.lists import mark_counts
from syncworker.sync.portal_failures import Blocked
from syncworker.sync.setup_portal import plan_setup
from syncworker.sync.wake import connect_briefly

# A webhook's signature is refused when it is five minutes old or ahead (HubSpot's request validation
# guide): clocks this far apart are noticed long before.
CLOCKS_APART = timedelta(seconds=30)
# A sweep rings every few seconds, and a webhook's mark is seconds' work: due this long, nobody works.
DUE_FOR = timedelta(minutes=5)
INBOX_FOR = timedelta(minutes=1)

# Ids and names that nothing has: HubSpot counts from 1, and no property begins with a digit.
_NO_RECORD = "0"
_NO_PROPERTY = "0_does_not_exist"

_WHEN_BLOCKED = {
    Blocked.CREDENTIALS: "give it a new token: syncworker portals add",
    Blocked.SCOPES: "grant the app the scopes, install it again, then: syncworker portals unblock",
    Blocked.PROPERTIES: "run: syncworker setup",
    Blocked.SETTINGS: "mend the settings that it names, and start again",
    Blocked.DAILY_QUOTA: "nothing: it goes on when HubSpot's daily quota is new; or raise the quota",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `what_now` says what to do, where it is not `ok`."""

    portal: int | None
    """Its hub id; None for what concerns all portals."""
    name: str
    ok: bool
    text: str
    what_now: str = ""


def examine(context: Context, *, only: int | None = None) -> list[Finding]:
    """Everything, or one portal and what concerns all; raises UnknownPortal."""
    found = [_redis(context)]
    try:
        with context.database.transaction() as tx:
            found += _database(tx)
            if not all(finding.ok for finding in found if finding.name == "schema"):
                return found
            found.append(_inbox(tx))
            connected = portals.everyone(tx) if only is None else [portals.get(tx, only)]
            work = {portal.hub_id: _work(tx, portal) for portal in connected}
    except (DBAPIError, PoolTimeout) as error:
        said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        what = f"see that it runs, and that {PREFIX}DATABASE_URL names it"
        return [*found, _problem(None, "database", f"it does not answer: {said}", what)]
    if not connected:
        what = "run: syncworker portals add"
        found.append(_problem(None, "portals", "no portal is connected", what))
    for portal in connected:
        found += work[portal.hub_id]
        found += check_access(context, portal)
        found += _prepared(context, portal)
    return found


def check_access(context: Context, portal: Portal) -> list[Finding]:
    """Whose the token is, and what it may do."""
    hub_id = portal.hub_id
    try:
        client = context.client(hub_id)
        account = client.account_info()
    except WrongSecretKey as error:
        return [_problem(hub_id, "token", str(error), f"set the {PREFIX}SECRET_KEY that was used")]
    except (HubSpotError, RateLimited) as error:
        return [_failed(hub_id, "token", error)]
    if account.hub_id != hub_id:
        return [
            _problem(
                hub_id,
                "token",
                f"it belongs to portal {account.hub_id}",
                "connect the portal with its own token: syncworker portals add",
            )
        ]
    findings = [_fine(hub_id, "token", f"it is of this account, in {account.time_zone}")]
    if not context.credentials.load(hub_id).client_secret:
        what = "give it the client secret: syncworker portals add --client-secret-stdin"
        findings.append(_problem(hub_id, "client secret", "there is none, so all webhooks are refused", what))
    return [*findings, *(_tried(hub_id, name, attempt) for name, attempt in _permissions(client))]


def _permissions(client: HubSpotClient) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each scope that the worker needs, and a harmless call that needs it."""
    yield "crm.objects.contacts.read", lambda: client.list_page("contact", properties=(), limit=1)
    yield "crm.objects.companies.read", lambda: client.list_page("company", properties=(), limit=1)
    yield "crm.objects.contacts.write", lambda: client.batch_update("contact", {_NO_RECORD: {}})
    yield "crm.objects.companies.write", lambda: client.batch_update("company", {_NO_RECORD: {}})
    yield "crm.schemas.contacts.read", lambda: client.property_groups("contact")
    yield "crm.schemas.companies.read", lambda: client.property_groups("company")
    yield "crm.schemas.contacts.write", lambda: client.update_property("contact", _NO_PROPERTY, {})
    yield "crm.schemas.companies.write", lambda: client.update_property("company", _NO_PROPERTY, {})
    yield "forms", lambda: client.forms()


def _tried(hub_id: int, scope: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except (FixRequest, Gone):
        # Refused for what was asked, and not for who asked: the permission is there.
        return _fine(hub_id, scope, "granted")
    except FixCredentials as error:
        scopes = ", ".join(error.missing_scopes) or scope
        what = f"add {scopes} to the app's scopes, and install it again"
        return _problem(hub_id, scope, "not granted", what)
    except (HubSpotError, RateLimited) as error:
        return _failed(hub_id, scope, error)
    return _fine(hub_id, scope, "granted")


def _prepared(context: Context, portal: Portal) -> list[Finding]:
    """Whether the portal has the properties, and whether its forms can be read."""
    hub_id = portal.hub_id
    found: list[Finding] = []
    try:
        client = context.client(hub_id)
        missing = plan_setup(context, portal)
    except WrongSecretKey:
        return []  # said of the token
    except (HubSpotError, RateLimited) as error:
        return [_failed(hub_id, "properties", error)]
    if missing:
        changes = f"{len(missing)} to make or change, such as: {missing[0]}"
        found.append(_problem(hub_id, "properties", changes, f"run: syncworker setup --portal {hub_id}"))
    else:
        found.append(_fine(hub_id, "properties", "all there"))
    with context.database.transaction() as tx:
        enabled = tx.connection.execute(_FORMS, {"hub_id": hub_id}).all()
    for form in enabled:
        name = f"form {form.name or form.form_id}"
        try:
            client.form_submissions(form.form_id, limit=1)
        except Gone:
            what = f"run: syncworker forms disable {form.form_id}"
            found.append(_problem(hub_id, name, "it is no longer in HubSpot", what))
        except (HubSpotError, RateLimited) as error:
            found.append(_failed(hub_id, name, error))
        else:
            found.append(_fine(hub_id, name, "its submissions can be read"))
    return found


_FORMS = text("SELECT form_id, name FROM forms WHERE hub_id = :hub_id ORDER BY form_id")


def _redis(context: Context) -> Finding:
    client = connect_briefly(str(context.settings.redis_url))
    try:
        client.ping()
    except redis.RedisError as error:
        what = f"see that it runs, and that {PREFIX}REDIS_URL names it; nothing is lost, but everything is late"
        return _problem(None, "redis", f"it does not answer: {error}", what)
    finally:
        client.close()
    return _fine(None, "redis", "it answers")


def _database(tx: Tx) -> list[Finding]:
    # The database's own time, whatever clock the transaction was given: it is its clock that is looked at.
    theirs: datetime = tx.connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = abs(datetime.now(UTC) - theirs)
    seconds = f"{apart.total_seconds():.1f} s apart"
    found = [_fine(None, "database", "it answers")]
    if apart > CLOCKS_APART:
        what = "set both clocks by NTP: webhooks are refused when the web process's clock is wrong"
        found.append(_problem(None, "clocks", f"this machine's and the database's are {seconds}", what))
    else:
        found.append(_fine(None, "clocks", seconds))
    if migrate.is_current(tx.connection):
        found.append(_fine(None, "schema", f"revision {migrate.newest()}"))
    else:
        what = "run: syncworker migrate"
        found.append(_problem(None, "schema", f"it is not at revision {migrate.newest()}", what))
    return found


def _inbox(tx: Tx) -> Finding:
    row = tx.connection.execute(text("SELECT count(*) AS rows, min(received_at) AS oldest FROM inbox")).one()
    if row.oldest is not None and tx.now - row.oldest > INBOX_FOR:
        said = f"{row.rows} deliveries wait, the oldest for {_ago(tx.now - row.oldest)}"
        return _problem(None, "inbox", said, "see that a worker runs: dramatiq actors")
    return _fine(None, "inbox", f"{row.rows} deliveries wait")


def _work(tx: Tx, portal: Portal) -> list[Finding]:
    """Mode, block, due and parked marks, polls that fail."""
    hub_id = portal.hub_id
    counts = [count for count in mark_counts(tx) if count.hub_id == hub_id]
    found = [_mode(portal), _blocked(portal, tx.now)]
    due, parked = sum(count.due for count in counts), sum(count.parked for count in counts)
    oldest = timedelta(seconds=max((count.oldest_due_s for count in counts), default=0.0))
    idle = portal.mode is Mode.PAUSED or portal.is_blocked(tx.now)
    said = f"{due} due" + (f", the oldest for {_ago(oldest)}" if due else "")
    if oldest > DUE_FOR and not idle:
        found.append(_problem(hub_id, "marks", said, "see that a worker and a scheduler run"))
    else:
        found.append(_fine(hub_id, "marks", said))
    if parked:
        what = f"see: syncworker marks list --parked --portal {hub_id}"
        found.append(_problem(hub_id, "parked", f"{parked} marks wait for a person", what))
    else:
        found.append(_fine(hub_id, "parked", "none"))
    failing = tx.connection.execute(_FAILING, {"hub_id": hub_id}).all()
    found += [_problem(hub_id, f"poll {row.trigger}", row.last_error, "see the line itself") for row in failing]
    return found


_FAILING = text("""
    SELECT trigger, last_error FROM cursors
     WHERE hub_id = :hub_id AND last_error IS NOT NULL ORDER BY trigger
""")


def _mode(portal: Portal) -> Finding:
    said = {
        Mode.OBSERVE: "observe: nothing is registered or written yet",
        Mode.WRITE: "write",
        Mode.PAUSED: "paused: the portal is left alone",
    }
    return _fine(portal.hub_id, "mode", said[portal.mode])


def _blocked(portal: Portal, now: datetime) -> Finding:
    if not portal.is_blocked(now):
        return _fine(portal.hub_id, "blocked", "no")
    reason = portal.blocked_reason or "unknown"
    known = Blocked(reason) if reason in set(Blocked) else None
    what = _WHEN_BLOCKED.get(known, "nothing: it is tried again by itself") if known else "see the reason"
    return _problem(portal.hub_id, "blocked", f"{reason}: {portal.blocked_detail}", what)


def _failed(hub_id: int, name: str, error: HubSpotError | RateLimited) -> Finding:
    if isinstance(error, RateLimited | RetryLater):
        return _problem(hub_id, name, str(error), "ask again later")
    return _problem(hub_id, name, error.message, error.advice)


def _fine(portal: int | None, name: str, said: str) -> Finding:
    return Finding(portal=portal, name=name, ok=True, text=said)


def _problem(portal: int | None, name: str, said: str, what_now: str) -> Finding:
    return Finding(portal=portal, name=name, ok=False, text=said, what_now=what_now)


def _ago(since: timedelta) -> str:
    seconds = int(since.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
