"""Is the process alive, and can it do its work?"""

from __future__ import annotations

from dataclasses import dataclass

import redis
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from syncworker.store import migrate
from syncworker.sync.context import Context
from syncworker.sync.wake import connect_briefly
from syncworker.web.held import held
from syncworker.web.time_limit import within

router = APIRouter(prefix="/health", tags=["health"])
log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 3.0
OK = "ok"
# One answer for all that can be wrong with it: this page needs no token, and hosts and users are not for all.
_NO_DATABASE = "not reachable: see that PostgreSQL runs and that SYNCWORKER_DATABASE_URL is right"
_OLD_SCHEMA = "not at the revision of this version: run `syncworker migrate`"
_NO_REDIS = "not reachable: work goes on, up to some seconds later; see SYNCWORKER_REDIS_URL"
_UNKNOWN = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Each part is `ok`, or what is wrong with it and what to do."""

    database: str
    schema: str
    redis: str

    @property
    def ready(self) -> bool:
        """Redis is reported and not required: it owns nothing."""
        return self.database == OK and self.schema == OK


@router.get("/live")
async def live() -> dict[str, str]:
    """The process answers. Looks at nothing else, so that an outage of the database restarts nobody."""
    return {"status": OK}


@router.get("/ready", responses={503: {"description": "what is wrong, in words"}})
async def ready(request: Request) -> JSONResponse:
    """The database is there and its schema is this version's."""
    holds = held(request)
    try:
        found = await within(ANSWER_WITHIN_S, lambda: readiness(holds.context), threads=holds.health_threads)
    except TimeoutError:
        found = Readiness(database=_NO_DATABASE, schema=_UNKNOWN, redis=_UNKNOWN)
    answer = {"ready": found.ready, "database": found.database, "schema": found.schema, "redis": found.redis}
    return JSONResponse(answer, status_code=200 if found.ready else 503)


def readiness(context: Context) -> Readiness:
    """Look at database, schema and Redis."""
    database, schema = OK, _UNKNOWN
    try:
        with context.database.transaction() as tx:
            schema = OK if migrate.is_current(tx.connection) else _OLD_SCHEMA
    except SQLAlchemyError as error:
        log.warning("database_not_ready", error=str(error).partition("\n")[0][:300])
        database = _NO_DATABASE
    return Readiness(database=database, schema=schema, redis=_redis(str(context.settings.redis_url)))


def _redis(url: str) -> str:
    try:
        with connect_briefly(url) as client:
            client.ping()
    except redis.RedisError as error:
        log.warning("redis_not_reachable", error=str(error))
        return _NO_REDIS
    return OK
