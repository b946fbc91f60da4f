"""Which forms register leads by themselves, what would one have done, and how is it switched?"""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Path, Request, Response

from syncworker.hubspot.errors import Gone, HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.lists.form_list import FormLine, FormsAlike, NoSuchForm, form_lines, known_lines
from syncworker.sync.lists.form_trial import DAYS, FormTrial, form_trial
from syncworker.sync.portals.form_switch import switch_form
from syncworker.web.pages.operations import tabs
from syncworker.web.pages.route import is_htmx, pages
from syncworker.web.recognising import Held, Operator, Reader, ThePortal

router = pages()

# HubSpot's form ids are UUIDs; nothing that means another path goes into one of its addresses.
_ID = r"^[0-9A-Za-z-]{1,100}$"


@router.get(tabs.FORMS)
def forms(request: Request, context: Held, reader: Operator, portal: ThePortal) -> Response:
    """The portal's forms; where HubSpot is away, those that register."""
    return _forms(request, context, reader, portal)


@router.post("/operations/forms/switch")
def switch(
    request: Request,
    context: Held,
    reader: Operator,
    portal: ThePortal,
    form: Annotated[str, Form(pattern=_ID)],
    on: Annotated[bool, Form()] = False,
) -> Response:
    """Let a form register leads from now on, or no more."""
    try:
        switch_form(context, portal.hub_id, form, on=on, who=reader.who)
    except (NoSuchForm, FormsAlike):
        said = reader.language.gettext("The form is not in HubSpot any more.")
        return _forms(request, context, reader, portal, refused=said, status=404)
    except (HubSpotError, RateLimited):
        return _forms(request, context, reader, portal, refused=_away(reader), status=503)
    return tabs.done(request, tabs.FORMS, "form-on" if on else "form-off")


@router.get("/operations/forms/{form_id}/trial")
def trial(
    request: Request,
    context: Held,
    reader: Operator,
    portal: ThePortal,
    form_id: Annotated[str, Path(pattern=_ID)],
) -> Response:
    """What it would have done these last days; nothing is done."""
    would: FormTrial | None = None
    refused = ""
    try:
        would = form_trial(context, portal.hub_id, form_id)
    except Gone:
        refused = reader.language.gettext("The form is not in HubSpot any more.")
    except (HubSpotError, RateLimited):
        refused = _away(reader)
    lines, _ = _known(context, portal)
    template = "trial_dialog" if is_htmx(request) else "trial"
    line = next((one for one in lines if one.id == form_id), None)
    return tabs.show(
        request, reader, template, refused=refused, would=would, form_id=form_id, days=DAYS,
        name=line.name if line else form_id, is_on=line is not None and line.enabled_at is not None,
    )  # fmt: skip


def _forms(
    request: Request, context: Context, reader: Reader, portal: Portal, *, refused: str = "", status: int = 200
) -> Response:
    lines, away = _known(context, portal)
    # Those that register first: they are what somebody looks for.
    lines.sort(key=lambda line: (line.enabled_at is None, line.name.lower()))
    return tabs.show(
        request, reader, "forms", refused=refused or (_away(reader) if away else ""), status=status, lines=lines,
        days=DAYS,
    )  # fmt: skip


def _known(context: Context, portal: Portal) -> tuple[list[FormLine], bool]:
    """The forms, and whether HubSpot could not be asked."""
    try:
        return form_lines(context, portal.hub_id), False
    except (HubSpotError, RateLimited):
        with context.database.transaction() as tx:
            return known_lines(tx, portal.hub_id), True


def _away(reader: Reader) -> str:
    return reader.language.gettext("HubSpot does not answer now: only what is known here is shown. Try again later.")
