"""Are the servers that everything rests on as they must be: Redis, processes, database, schema, clocks, inbox?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import redis
from sqlalchemy import text

from syncworker.settings import PREFIX
from syncworker.store import migrate
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.doctor.finding import Finding, ago, fine, problem
from syncworker.sync.wake import connect_briefly
from syncworker.sync.watch import clock_skew
from syncworker.sync.watch.runbook import Section
from syncworker.sync.watch.shared_counts import ROLES, SharedCounts

# A webhook's signature is refused when it is five minutes old or ahead (HubSpot's request validation
# guide): clocks this far apart are noticed long before.
CLOCKS_APART = timedelta(seconds=30)
INBOX_FOR = timedelta(minutes=1)


def redis_answers(context: Context) -> Finding:
    """Whether Redis answers."""
    client = connect_briefly(str(context.settings.redis_url))
    try:
        client.ping()
    except redis.RedisError as error:
        what = f"see that it runs, and that {PREFIX}REDIS_URL names it; nothing is lost, but everything is late"
        return problem(None, "redis", f"it does not answer: {error}", what, Section.REDIS)
    finally:
        client.close()
    return fine(None, "redis", "it answers")


def processes(context: Context) -> list[Finding]:
    """Whether workers and a scheduler were heard of lately; nothing, where Redis is away: that is said already."""
    counts = SharedCounts(str(context.settings.redis_url), registries=())
    try:
        alive, silent = counts.alive(), counts.silent()
    except redis.RedisError:
        return []
    finally:
        counts.close()
    said = ", ".join(f"{alive[role]} {role}" for role in ROLES)
    if silent:
        what = f"start it: {' and '.join(silent)} of the Procfile, or syncworker up"
        return [problem(None, "processes", f"{said} heard of lately", what, Section.PROCESSES)]
    return [fine(None, "processes", f"{said} heard of lately")]


def database(tx: Tx) -> list[Finding]:
    """The database's clock and schema."""
    # The database's own time, whatever clock the transaction was given: it is its clock that is looked at.
    theirs: datetime = tx.connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = abs(datetime.now(UTC) - theirs)
    seconds = f"{apart.total_seconds():.1f} s apart"
    found = [fine(None, "database", "it answers")]
    if apart > CLOCKS_APART:
        what = "set both clocks by NTP: webhooks are refused when the web process's clock is wrong"
        found.append(problem(None, "clocks", f"this machine's and the database's are {seconds}", what, Section.CLOCKS))
    else:
        found.append(fine(None, "clocks", seconds))
    if migrate.is_current(tx.connection):
        found.append(fine(None, "schema", f"revision {migrate.newest()}"))
    else:
        what = "run: syncworker migrate"
        found.append(problem(None, "schema", f"it is not at revision {migrate.newest()}", what, Section.SCHEMA))
    return found


def hubspot_clock(tx: Tx) -> Finding:
    """Whether HubSpot's clock and the database's agree, so that registrations end when they should."""
    noted = clock_skew.last_noted(tx)
    if noted is None:
        return fine(None, "hubspot's clock", "no worker has heard it yet")
    said = f"{abs(noted.seconds):.0f} s {'ahead of' if noted.seconds > 0 else 'behind'} the database's"
    if noted.apart_since is None:
        return fine(None, "hubspot's clock", f"{said}, {noted.observed_at:%H:%M} UTC")
    said += f", since {noted.apart_since:%Y-%m-%d %H:%M} UTC of the database: nothing ends and nothing renews"
    what = "set the database's clock by NTP; it goes on by itself"
    return problem(None, "hubspot's clock", said, what, Section.HUBSPOT_CLOCK)


def database_away(error: Exception) -> Finding:
    """The database does not answer."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    what = f"see that it runs, and that {PREFIX}DATABASE_URL names it"
    return problem(None, "database", f"it does not answer: {said}", what, Section.DATABASE)


def inbox(tx: Tx) -> Finding:
    """Whether webhooks wait for a worker."""
    row = tx.connection.execute(text("SELECT count(*) AS rows, min(received_at) AS oldest FROM inbox")).one()
    if row.oldest is not None and tx.now - row.oldest > INBOX_FOR:
        said = f"{row.rows} deliveries wait, the oldest for {ago(tx.now - row.oldest)}"
        return problem(None, "inbox", said, "see that a worker runs", Section.INBOX)
    return fine(None, "inbox", f"{row.rows} deliveries wait")
