"""Which pages are served?"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from syncworker.web.pages import (
    capacity,
    deregistering,
    jobs,
    lead,
    leads,
    leads_doing,
    live,
    registering,
    registering_files,
    requests_doing,
    runbook,
    signing_in,
)
from syncworker.web.pages.operations import downloads, forms, history, holds, marks, overview, resyncs
from syncworker.web.pages.route import HOME, go_to, pages

home = pages()


@home.get("/")
def to_first_page(request: Request) -> Response:
    """The Capacity Manager is where people begin."""
    return go_to(request, HOME)


router = APIRouter()
for part in (signing_in.router, home, capacity.router, deregistering.router, jobs.router, live.router):
    router.include_router(part)
# Leads by their state, and what is done about them.
for part in (lead.router, leads.router, leads_doing.router, requests_doing.router):
    router.include_router(part)
# New ones.
for part in (registering.router, registering_files.router):
    router.include_router(part)
router.include_router(runbook.router)
# What an operator sees and does.
for part in (
    overview.router,
    marks.router,
    resyncs.router,
    forms.router,
    holds.router,
    history.router,
    downloads.router,
):
    router.include_router(part)
