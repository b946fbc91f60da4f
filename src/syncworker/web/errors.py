"""Which answer does each error become?

`{"error": "..."}`, one line that says what to do; and for whoever sits at a browser, a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import structlog
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from syncworker.access.roles import NotAllowed
from syncworker.access.users import UnknownUser
from syncworker.hubspot.errors import Gone, HubSpotError, RetryLater
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.program import ProgramError
from syncworker.program.model import NoCapacityError, UnknownTierError
from syncworker.registration.ledger.holds import NotHeld
from syncworker.registration.ledger.line_places import NotWaiting
from syncworker.registration.ledger.registrations import NothingToUndo, NotRegistered, TooLateToUndo
from syncworker.registration.ledger.requests import NotOpen
from syncworker.store.portals import UnknownPortal
from syncworker.store.secrets import WrongSecretKey
from syncworker.sync.jobs.job import NotToUndo, TooManyDomains, UnknownJob
from syncworker.sync.jobs.lead_file import NothingToAskAgain
from syncworker.sync.jobs.matching import MoreMatch
from syncworker.sync.lists.finding import NotFound
from syncworker.sync.lists.form_list import FormsAlike, NoSuchForm
from syncworker.sync.lists.lists import UnknownFilter, UnknownRequest
from syncworker.sync.lists.page_cursor import BadCursor
from syncworker.sync.notices.switches import NoTaskForThat, NotYours
from syncworker.sync.operations import NothingToConfirm
from syncworker.sync.portals.pausing import NotRebuilt
from syncworker.sync.portals.takeover import BadFile
from syncworker.sync.resync.resync import NotYet, ResyncOver, ResyncRuns, TooLongAgo, UnknownResync
from syncworker.sync.waiting import NotExchanged
from syncworker.web.api.refusals import Refusal
from syncworker.web.api.wrong_input import wrong_input
from syncworker.web.pages.error_pages import error_page, wants_page
from syncworker.web.pages.route import sign_in_first
from syncworker.web.pages.wrong_fields import wrong_fields
from syncworker.web.recognising import ForeignForm, NoPortalHere, NotSignedIn, recognise
from syncworker.web.security_headers import unkept

log = structlog.get_logger(__name__)

_STATUS: Mapping[type[Exception], int] = {
    BadCursor: 400,
    NotAllowed: 403,
    ForeignForm: 403,
    NoPortalHere: 404,
    UnknownPortal: 404,
    NotRegistered: 404,
    UnknownRequest: 404,
    UnknownResync: 404,
    UnknownJob: 404,
    UnknownUser: 404,
    NotHeld: 404,
    NoSuchForm: 404,
    FormsAlike: 409,
    NotYours: 409,
    NotOpen: 409,
    NotWaiting: 409,
    NotExchanged: 409,
    MoreMatch: 409,
    NothingToConfirm: 409,
    TooLateToUndo: 409,
    NothingToUndo: 409,
    NotToUndo: 409,
    NothingToAskAgain: 409,
    ResyncRuns: 409,
    ResyncOver: 409,
    NotRebuilt: 409,
    # Asked again it is the same: a person has to mend the partner's settings.
    ProgramError: 409,
    UnknownTierError: 409,
    NoCapacityError: 409,
    UnknownFilter: 422,
    NoTaskForThat: 422,
    BadFile: 422,
    NotFound: 404,
    TooManyDomains: 422,
    TooLongAgo: 422,
    NotYet: 422,
    Gone: 404,
    HubSpotError: 502,
    RetryLater: 503,
    RateLimited: 503,
    WrongSecretKey: 503,
}
_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError)


class Error(BaseModel):
    """What an error looks like."""

    error: str = Field(description="one line that says what is wrong and what to do")


def install(app: FastAPI) -> None:
    """Let the app answer each error in its way."""

    async def known(request: Request, error: Exception) -> Response:
        kind = next(kind for kind in type(error).__mro__ if kind in _STATUS)
        told = error.told if isinstance(error, HubSpotError) else str(error)
        return _answer(request, _STATUS[kind], told)

    async def refusal(request: Request, error: Exception) -> Response:
        if not isinstance(error, Refusal):
            raise error
        return _answer(request, error.status, str(error), error.headers)

    for kind in _STATUS:
        app.add_exception_handler(kind, known)
    for kind in _DATABASE_AWAY:
        app.add_exception_handler(kind, _database_away)
    app.add_exception_handler(Refusal, refusal)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    # What this is, the log says: it goes on to the server, which writes it there.
    app.add_exception_handler(Exception, _unknown)


async def _not_signed_in(request: Request, error: Exception) -> Response:
    return sign_in_first(request) if wants_page(request) else _answer(request, 401, str(error))


async def _unknown(request: Request, _error: Exception) -> Response:
    return _answer(request, 500, "this went wrong on our side: the log of the web process says what")


async def _database_away(request: Request, error: Exception) -> Response:
    # The rest of a database error is the statement with its values.
    log.error("database_away", path=request.url.path, error=str(error).partition("\n")[0][:300])
    return _answer(request, 503, "the database does not answer: try again, and see /health/ready", {"Retry-After": "5"})


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    if wants_page(request):
        return error_page(request, 422, wrong=wrong_fields(error.errors()))
    return _answer(request, 422, wrong_input(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    message = "there is nothing here: see /openapi.json" if error.status_code == 404 else str(error.detail)
    if wants_page(request) and not hasattr(request.state, "reader"):
        # No route has looked: whoever is signed in goes on from here, to where they may go.
        with suppress(*_DATABASE_AWAY):
            request.state.reader = await run_in_threadpool(recognise, request)
    return _answer(request, error.status_code, message, error.headers)


def _answer(request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    line = " ".join(message.split())[:1000]
    # A lone surrogate, echoed from a path, is no UTF-8.
    line = line.encode("utf-8", "replace").decode()
    if wants_page(request):
        page = error_page(request, status, line)
        page.headers.update(headers or {})
        return page
    return unkept(JSONResponse({"error": line}, status_code=status, headers=dict(headers or {})))
