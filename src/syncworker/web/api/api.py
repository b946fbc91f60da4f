"""Which routes make up the operator API?"""

from __future__ import annotations

from fastapi import APIRouter, Depends

from syncworker.web.api import (
    checking,
    forms,
    history,
    holds,
    jobs,
    lead_files,
    leads,
    marks,
    notices,
    portals,
    registrations,
    requests,
    resyncs,
)
from syncworker.web.api.operator import documented
from syncworker.web.errors import Error

_ERRORS = {
    400: "a bad cursor",
    401: "no token, or a wrong one",
    403: "somebody is signed in whose role does not do, or a change lacks the token of the session",
    404: "no such portal, domain, request, job, file or resync",
    409: "too late, or not in this state",
    413: "more than is taken at once",
    422: "bad input, or more than one portal and none named",
    502: "HubSpot refuses what was asked of it",
    503: "the database is away, or the API is off",
}

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(documented)],
    responses={status: {"model": Error, "description": meaning} for status, meaning in _ERRORS.items()},
)
for part in (
    registrations, requests, checking, leads, lead_files, jobs, marks, resyncs, portals, forms, holds, notices, history,
):  # fmt: skip
    router.include_router(part.router)
