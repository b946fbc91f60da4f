"""What do the form routes answer: definitions, submitting, reading submissions?"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from syncworker.sandbox import companies, records
from syncworker.sandbox.answers import RefusedError, Reply, dumps, object_not_found, ok
from syncworker.sandbox.call import Call, record_id, text
from syncworker.sandbox.clock import DAY_MS, iso, now_ms
from syncworker.sandbox.object_types import COMPANY, CONTACT, resolve
from syncworker.sandbox.portals import Form, Portal
from syncworker.sandbox.records import Record, Source
from syncworker.sandbox.values import normalise
from syncworker.sandbox.world import World
from syncworker.sandbox.writer import Writer

MOST_FIELDS = 1000
"""Fields a submission (HubSpot's forms guide)."""
CREATED_AT = "2026-01-15T09:00:00.000Z"


def list_forms(_world: World, portal: Portal, call: Call) -> Reply:
    """GET /marketing/v3/forms."""
    limit = call.number("limit", default=50, most=500, least=1)
    start = call.number("after", default=0, most=10**9)
    shown = portal.forms[start : start + limit]
    body: dict[str, object] = {"results": [_definition(form) for form in shown]}
    if start + limit < len(portal.forms):
        body["paging"] = {"next": {"after": str(start + limit)}}
    return ok(body)


def read_form(world: World, portal: Portal, call: Call) -> Reply:
    """GET /marketing/v3/forms/{id}."""
    return ok(_definition(_form(world, portal, call.ids[0])))


def submissions(world: World, portal: Portal, call: Call) -> Reply:
    """GET /form-integrations/v1/submissions/forms/{guid}: newest first, `after` continues below."""
    form = _form(world, portal, call.ids[0])
    limit = call.number("limit", default=20, most=50, least=1)
    bound = (2**62, 2**62)
    after = call.first("after")
    if after:
        try:
            at, seq = (int(part) for part in after.split("-"))
        except ValueError:
            raise _bad_submission("after is not a cursor of this route") from None
        bound = (at, seq)
    rows = world.database.execute(
        "SELECT at, seq, body FROM submissions WHERE portal = ? AND form = ? AND (at, seq) < (?, ?) "
        "ORDER BY at DESC, seq DESC LIMIT ?",
        (portal.hub_id, form.id, *bound, limit + 1),
    ).fetchall()
    body: dict[str, object] = {"results": [json.loads(row[2]) for row in rows[:limit]]}
    if len(rows) > limit:
        cursor = f"{rows[limit - 1][0]}-{rows[limit - 1][1]}"
        link = f"https://api.hubapi.com{call.path}?after={cursor}"
        body["paging"] = {"next": {"after": cursor, "link": link}}
    return ok(body)


def submit_secure(world: World, portal: Portal, call: Call) -> Reply:
    """POST /submissions/v3/integration/secure/submit/{portalId}/{guid}."""
    if record_id(call.ids[0]) != portal.hub_id:
        raise object_not_found("The form does not belong to this account")
    return _submit(world, portal, call)


def submit_open(world: World, call: Call) -> Reply:
    """POST /submissions/v3/integration/submit/{portalId}/{guid}, without a token."""
    portal = world.directory.by_id.get(record_id(call.ids[0]) or 0)
    if portal is None:
        raise object_not_found("No such account")
    if not world.limits.admit_form(portal, now_ms()):
        world.stats.rate_limited += 1
        # Reported by others: an answer of the proxy in front.
        raise RefusedError(Reply(429, b"error code: 1015", "text/plain; charset=UTF-8"))
    return _submit(world, portal, call)


def _submit(world: World, portal: Portal, call: Call) -> Reply:
    """Create or update the contact of the email, count the conversion, keep the submission, attach the company."""
    form = world.directory.form(portal.hub_id, call.ids[1])
    if form is None:
        raise object_not_found(f"No form with the guid {call.ids[1][:50]}")
    body = call.json()
    values, by_type = _fields(body)
    now = now_ms()
    at = _submitted_at(body, now)
    context = body.get("context")
    page = context if isinstance(context, dict) else {}
    schema = world.catalogue.schema(portal.hub_id, CONTACT)
    try:
        given = normalise(schema, by_type[CONTACT.plural], portal=portal.hub_id)
        of_company = normalise(
            world.catalogue.schema(portal.hub_id, COMPANY), by_type[COMPANY.plural], portal=portal.hub_id
        )
    except RefusedError as refused:
        raise _bad_submission(str(json.loads(refused.reply.body)["message"])) from None
    writer = Writer(world, portal, Source("FORM", form.id), now)
    email = given.get("email")
    if email:
        contact = _contact(writer, form, given, at, text(page, "pageName") or "")
        if portal.auto_companies:
            companies.attach(writer, contact, of_company)
    submission: dict[str, object] = {
        "conversionId": str(uuid.uuid4()),
        "submittedAt": at,
        "values": values,
        "pageUrl": text(page, "pageUri") or form.page,
    }
    world.database.execute(
        "INSERT INTO submissions (portal, form, at, body) VALUES (?, ?, ?, ?)",
        (portal.hub_id, form.id, at, json.dumps(submission, ensure_ascii=False)),
    )
    world.feed.note(hub_id=portal.hub_id, type="forms", id=form.id, what="submitted", properties={}, at=now)
    return ok({"inlineMessage": "Thanks for submitting the form."})


def _contact(writer: Writer, form: Form, given: Mapping[str, str], at: int, page: str) -> Record:
    """The contact with this submission in it. Conversion properties are HubSpot's own, read-only to everybody else."""
    world, hub_id = writer.world, writer.portal.hub_id
    email = given["email"]
    known = records.by_value(world.database, hub_id, CONTACT, "email", [email]).get(email)
    old = known.properties if known else {}
    conversion = f"{page}: {form.name}" if page else form.name
    calculated = old.get("hs_calculated_form_submissions", "")
    forms_seen = {part.split(":")[0] for part in calculated.split(";") if part} | {form.id}
    values = {
        **{name: value for name, value in given.items() if value},
        "num_conversion_events": str(int(old.get("num_conversion_events", "0")) + 1),
        "num_unique_conversion_events": str(len(forms_seen)),
        "recent_conversion_date": iso(at),
        "recent_conversion_event_name": conversion,
        "hs_calculated_form_submissions": ";".join(part for part in (calculated, f"{form.id}:{at}") if part)[-4000:],
    }
    if "first_conversion_date" not in old:
        values["first_conversion_date"] = iso(at)
        values["first_conversion_event_name"] = conversion
    if known is None:
        return writer.create(CONTACT, {"lifecyclestage": "lead", **values})
    return writer.update(CONTACT, known, values)


def _fields(body: Mapping[str, object]) -> tuple[list[dict[str, object]], dict[str, dict[str, object]]]:
    raw = body.get("fields")
    if not isinstance(raw, list) or not raw or len(raw) > MOST_FIELDS:
        raise _bad_submission(f"fields must be an array of 1 to {MOST_FIELDS} fields")
    by_type: dict[str, dict[str, object]] = {CONTACT.plural: {}, COMPANY.plural: {}}
    values: list[dict[str, object]] = []
    for field in raw:
        if not isinstance(field, dict) or not isinstance(field.get("name"), str):
            raise _bad_submission("every field needs a name")
        type_id = str(field.get("objectTypeId") or "0-1")
        kind = resolve(type_id).plural
        if kind not in by_type:
            raise _bad_submission(f"fields of {kind} cannot be submitted")
        value = field.get("value")
        shown = "" if value is None else str(value)
        by_type[kind][field["name"]] = shown
        values.append({"name": field["name"], "value": shown, "objectTypeId": type_id})
    return values, by_type


def _submitted_at(body: Mapping[str, object], now: int) -> int:
    given = text(body, "submittedAt") or ""
    if not given.isdigit() or len(given) > 14:
        return now
    # Older than a month, or in the future: taken as now.
    return int(given) if now - 30 * DAY_MS < int(given) <= now else now


def _form(world: World, portal: Portal, guid: str) -> Form:
    form = world.directory.form(portal.hub_id, guid)
    if form is None:
        raise object_not_found(f"No form with the guid {guid[:50]}")
    return form


def _definition(form: Form) -> dict[str, object]:
    return {
        "id": form.id,
        "name": form.name,
        "formType": "hubspot",
        "createdAt": CREATED_AT,
        "updatedAt": CREATED_AT,
        "archived": False,
        "fieldGroups": [
            {
                "groupType": "default_group",
                "richTextType": "text",
                "fields": [
                    {
                        "name": name,
                        "label": name.capitalize(),
                        "fieldType": "email" if name == "email" else "single_line_text",
                        "objectTypeId": "0-1",
                        "required": name == "email",
                        "hidden": False,
                    }
                ],
            }
            for name in form.fields
        ],
        "configuration": {"language": "en"},
        "displayOptions": {"renderRawHtml": False},
        "legalConsentOptions": {"type": "none"},
    }


def _bad_submission(message: str) -> RefusedError:
    body = {
        "status": "error",
        "message": "The request is not valid",
        "correlationId": str(uuid.uuid4()),
        "errors": [{"message": message, "errorType": "INVALID_REQUEST"}],
    }
    return RefusedError(Reply(400, dumps(body)))
