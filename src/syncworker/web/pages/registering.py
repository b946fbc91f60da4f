"""How does a manager register a lead: what is known of it before anything is done, and what came of it after?"""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import Form, Path, Query, Request, Response

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.languages import Language, to_translate
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.decision import Outcome
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.host import WEBSITE_CHARACTERS
from syncworker.registration.rules.terms import Source
from syncworker.store.portals import Portal
from syncworker.sync import operations
from syncworker.sync.context import Context
from syncworker.sync.jobs import lead_file
from syncworker.sync.jobs.lead_rows import MOST_BYTES, MOST_ROWS
from syncworker.sync.lists import lists
from syncworker.sync.lists.answers import answer
from syncworker.sync.lists.check import Checked, check, check_meant
from syncworker.sync.lists.finding import NotFound, SeveralContacts, names_of
from syncworker.web.pages import rendering, told_words
from syncworker.web.pages.coming_back import telling
from syncworker.web.pages.route import go_to, is_htmx, pages
from syncworker.web.pages.ticked import Key
from syncworker.web.recognising import Held, Manager, Reader, ThePortal

router = pages()

REGISTER = "/register"
MOST_FILES = 5
_AWAY = to_translate("HubSpot does not answer now. Nothing was done; try again in a minute.")
_STALE = to_translate("This has changed since you looked, and nothing was done. This is how it stands now.")
_TOO_LONG = to_translate("This is too long for an id, an email or a website.")


@router.get(REGISTER)
def register_page(
    request: Request, context: Held, reader: Manager, portal: ThePortal, lead: Annotated[str, Query()] = ""
) -> Response:
    """Where leads are registered; with a lead what is known of it, and what asking would come to: nothing is done."""
    typed = lead.strip()
    if not typed:
        return show(request, context, reader, portal)
    if len(typed) > WEBSITE_CHARACTERS:
        return show(request, context, reader, portal, refused=_TOO_LONG, status=422)
    try:
        checked = check_meant(context, portal.hub_id, typed, source=Source.APP)
    except NotFound as nobody:
        return _nobody(request, context, reader, portal, nobody, typed)
    except (HubSpotError, RateLimited):
        return show(request, context, reader, portal, typed=typed, refused=_AWAY, status=503)
    return show(request, context, reader, portal, typed=typed, checked=checked)


@router.post(REGISTER)
def register(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    contact: Annotated[str, Form(pattern=r"^[1-9][0-9]{0,18}$")],
    key: Key,
    seen: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Ask to register a lead that was looked at; where it stands otherwise by now, show that, and do nothing."""
    try:
        checked = check(context, portal.hub_id, contact, source=Source.APP)
    except NotFound as nobody:
        return _nobody(request, context, reader, portal, nobody, contact)
    except (HubSpotError, RateLimited):
        return show(request, context, reader, portal, typed=contact, refused=_AWAY, status=503)
    with context.database.transaction() as tx:
        before = operations.request_of_key(context, tx, portal.hub_id, source=Source.APP, key=key)
    if before is None and (checked.digest != seen or not checked.is_worth_asking):
        return show(request, context, reader, portal, typed=contact, checked=checked, refused=_STALE, status=409)
    # A form that is sent twice asks once: then there is a request of the key already.
    asked = before or operations.register(context, portal.hub_id, contact, who=reader.who, source=Source.APP, key=key)
    return go_to(request, f"{REGISTER}/asked/{asked.id}" if asked else REGISTER)


@router.get(REGISTER + "/asked/{request_id}")
def asked(
    request: Request,
    context: Held,
    reader: Manager,
    portal: ThePortal,
    request_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
) -> Response:
    """What came of it: once it is decided, the lead's page, or why it has none."""
    with context.database.transaction() as tx:
        found = lists.request_of(tx, portal.hub_id, request_id)
    decided = found.state is not State.PROCESSING
    if decided and found.domain:
        return go_to(request, telling(f"/leads/domain/{found.domain}", told="decided"))
    said = answer(state=found.state, reason=found.reason, detail=found.detail, domain=found.domain)
    return rendering.page(
        request,
        reader,
        "register/asked_part.html" if is_htmx(request) and not decided else "register/asked.html",
        asked=found,
        decided=decided,
        answer=said,
        here=request.url.path,
    )


def _nobody(
    request: Request, context: Context, reader: Reader, portal: Portal, nobody: NotFound, typed: str
) -> Response:
    """Nobody is meant, or more than one: of those, all are named."""
    choices = names_of(context, portal.hub_id, nobody.contact_ids) if isinstance(nobody, SeveralContacts) else ()
    said = reader.language.say(nobody.words)
    refused = f"{said[:1].upper()}{said[1:].removesuffix('.')}."
    return show(request, context, reader, portal, typed=typed, refused=refused, choices=choices, status=404)


def show(
    request: Request,
    context: Context,
    reader: Reader,
    portal: Portal,
    *,
    status: int = 200,
    refused: str = "",
    checked: Checked | None = None,
    typed: str = "",
    **more: object,
) -> Response:
    """The page, with what was typed, and with why it could not be done."""
    with context.database.transaction() as tx:
        # A check has counted it.
        held = checked.capacity if checked else lists.capacity_of(context, tx, portal.hub_id)
        files = lead_file.newest(tx, portal.hub_id, limit=MOST_FILES)
    say = reader.language
    return rendering.page(
        request,
        reader,
        "register/register.html",
        status=status,
        capacity=held,
        files=files,
        typed=typed,
        most_typed=WEBSITE_CHARACTERS,
        most_rows=MOST_ROWS,
        most_megabytes=MOST_BYTES // 1_000_000,
        checked=checked,
        verb=_verb(say, checked) if checked and checked.is_worth_asking else "",
        other_domain=_other_domain(context, checked, typed) if checked else "",
        refused=say.gettext(refused) if refused else "",
        # The same form sent twice, by a double click, is one request.
        key=uuid4().hex,
        said=told_words.said(request, say),
        lead_path=rendering.lead_path(request),
        **{"choices": (), "bad_file": "", **more},
    )


def _verb(say: Language, checked: Checked) -> str:
    match checked.decision.outcome:
        case Outcome.WAIT:
            return say.gettext("Put it in line")
        case Outcome.INVALID:
            return say.gettext("Ask all the same")
        case _:
            return say.gettext("Register")


def _other_domain(context: Context, checked: Checked, typed: str) -> str:
    """The domain that was asked for, where the contact's website leads to another."""
    named = registrable(typed, context.domain_rules) if "@" not in typed and "/contacts/" not in typed else None
    return named if isinstance(named, str) and named != checked.domain else ""
