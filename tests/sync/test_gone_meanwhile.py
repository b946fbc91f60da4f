"""What becomes of what is asked for, if what stood in its way is gone by the time that somebody looks what it was?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from support.processes import eventually
from syncworker.registration.rules.terms import Source
from syncworker.store.database import Database
from syncworker.sync.context import Context
from syncworker.sync.jobs import job
from syncworker.sync.jobs.job import Job, JobAction
from syncworker.sync.resync import resync
from syncworker.sync.resync.resync import State
from web.deployment import HUB, Deployment, settings

_WAITING = text("""
    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
""")


@pytest.fixture
def changed(fresh_database_url: str, redis_url: str) -> Iterator[Deployment]:
    """A deployment whose schema a test may change."""
    context = Context(settings(fresh_database_url, redis_url), pool_size=3)
    made = Deployment(context)
    made.portal()
    yield made
    context.close()


def until_waiting(database: Database, number: int) -> None:
    """Wait until so many wait for a lock."""

    def waiting() -> bool:
        with database.transaction() as tx:
            return bool(tx.connection.execute(_WAITING).scalar_one() == number)

    eventually(waiting, what=f"{number} wait for a lock")


def test_a_job_whose_key_was_used_by_one_that_is_discarded_that_moment_is_begun(changed: Deployment) -> None:
    def start() -> Job:
        return job.start(changed.context, HUB, JobAction.RENEW, ["a.se"], who="t", source=Source.API, key="k")

    first = start()
    # Whoever inserts a job stands still behind it: where it found the key used, and has not looked by whom.
    with changed.database.transaction() as tx:
        tx.connection.execute(text("""
            CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$
        """))  # fmt: skip
        tx.connection.execute(text("CREATE TRIGGER still AFTER INSERT ON jobs EXECUTE FUNCTION stand_still()"))
    with ThreadPoolExecutor() as pool:
        with changed.database.transaction() as tx:
            tx.connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
            asked = pool.submit(start)
            until_waiting(changed.database, 1)
            tx.connection.execute(text("DELETE FROM jobs"))
        begun = asked.result()
    assert begun.id != first.id
    assert (begun.total, begun.done) == (1, 0)


def test_a_resync_begins_where_the_one_that_runs_ends_that_moment(deployment: Deployment) -> None:
    database = deployment.database
    running = resync.start(deployment.context, HUB, who="t")
    over = text("UPDATE resyncs SET state = 'done', finished_at = now() WHERE id = :id")

    def end() -> None:
        with database.transaction() as tx:
            tx.connection.execute(text("LOCK TABLE resyncs IN ACCESS EXCLUSIVE MODE"))
            tx.connection.execute(over, {"id": running.id})

    with ThreadPoolExecutor() as pool:
        with database.engine.connect() as first:
            # Given one that is about to end, for which the other waits, and which then goes on all the same
            first.execute(over, {"id": running.id})
            asked = pool.submit(resync.start, deployment.context, HUB, who="t")
            until_waiting(database, 1)
            # And ends after all, before anybody else may look
            ending = pool.submit(end)
            until_waiting(database, 2)
            first.rollback()
        ending.result()
        begun = asked.result()
    assert (begun.state, begun.id != running.id) == (State.RUNNING, True)
