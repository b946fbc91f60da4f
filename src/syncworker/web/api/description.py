"""How is the API described, to programs that read such descriptions?

For whoever may use all of it: the token, or an operator who is signed in. There is no page to try it out: those that
FastAPI brings load their scripts from elsewhere, which no page of ours may.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from syncworker.web.api.operator import OperatorRoute
from syncworker.web.security_headers import secured

PATH = "/openapi.json"
router = APIRouter(route_class=OperatorRoute, include_in_schema=False)


@router.get(PATH)
def description(request: Request) -> Response:
    """The description, as OpenAPI has it."""
    return secured(JSONResponse(request.app.openapi()))
