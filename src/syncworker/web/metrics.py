"""What does a scrape of any one web process tell?

The state of the database and what all processes counted together: so one web process tells it all, and no two of
them have to add up.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from syncworker.web.held import held

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """All metrics, in Prometheus' text format. Names portals by their hub ids, and no person and no record."""
    return Response(generate_latest(held(request).metrics), media_type=CONTENT_TYPE_LATEST)
