"""What does a person do in the CRM, by hand? (Or a workflow on that person's behalf.)"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.sandbox import companies, lifecycle, links, records
from syncworker.sandbox.answers import Reply, invalid, ok, record_not_found
from syncworker.sandbox.api.objects import find, refuse_fixed
from syncworker.sandbox.call import mapping, needed, record_id, text
from syncworker.sandbox.clock import now_ms
from syncworker.sandbox.control.browsing import inspect
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Source
from syncworker.sandbox.values import normalise
from syncworker.sandbox.world import World
from syncworker.sandbox.writer import Writer


def _writer(world: World, portal: Portal, body: Mapping[str, object]) -> Writer:
    """Whoever the body's `as` names: CRM_UI (a user), AUTOMATION_PLATFORM (a workflow), IMPORT, or another source."""
    kind = text(body, "as") or "CRM_UI"
    ids = {
        "CRM_UI": f"userId:{portal.user_id}",
        "AUTOMATION_PLATFORM": "workflow:1",
        "INTEGRATION": str(portal.app_id),
    }
    return Writer(world, portal, Source(kind, text(body, "source_id") or ids.get(kind, "")), now_ms())


def create(world: World, portal: Portal, kind: ObjectType, body: Mapping[str, object]) -> Reply:
    """A new record. `auto_company` attaches a contact's company as a form would; `company` names one to attach."""
    with world.transaction():
        writer = _writer(world, portal, body)
        schema = world.catalogue.schema(portal.hub_id, kind)
        values = normalise(schema, mapping(body, "properties"), portal=portal.hub_id, lenient=True)
        made = writer.create(kind, values)
        company = text(body, "company")
        if kind is CONTACT and company:
            target = find(world, portal, COMPANY, company)
            links.connect(writer, made.id, target.id, primary=True)
        elif kind is CONTACT and body.get("auto_company") is True and portal.auto_companies:
            companies.attach(writer, made)
    return ok(inspect(world, portal, kind, str(made.id)), 201)


def edit(world: World, portal: Portal, kind: ObjectType, id_: str, body: Mapping[str, object]) -> Reply:
    """New values. Old imports may leave anything in a CRM, so lengths and emails are not checked here."""
    with world.transaction():
        schema = world.catalogue.schema(portal.hub_id, kind)
        values = normalise(schema, mapping(body, "properties"), portal=portal.hub_id, lenient=True)
        record = find(world, portal, kind, id_)
        _writer(world, portal, body).update(kind, record, values)
    return ok(inspect(world, portal, kind, str(record.id)))


def associate(world: World, portal: Portal, body: Mapping[str, object]) -> Reply:
    """`{"contact", "company", "primary": true, "remove": false}`."""
    with world.transaction():
        writer = _writer(world, portal, body)
        contact = find(world, portal, CONTACT, needed(body, "contact"))
        company = find(world, portal, COMPANY, needed(body, "company"))
        if body.get("remove") is True:
            links.disconnect(writer, contact.id, company.id)
        else:
            links.connect(writer, contact.id, company.id, primary=body.get("primary", True) is True)
    return ok(inspect(world, portal, CONTACT, str(contact.id)))


def merge(world: World, portal: Portal, kind: ObjectType, body: Mapping[str, object]) -> Reply:
    """`{"primary", "secondary"}`: answers the new record."""
    refuse_fixed(kind)
    with world.transaction():
        primary = find(world, portal, kind, needed(body, "primary"))
        secondary = find(world, portal, kind, needed(body, "secondary"))
        merged = lifecycle.merge(_writer(world, portal, body), kind, primary, secondary)
    return ok(inspect(world, portal, kind, str(merged.id)))


def remove(world: World, portal: Portal, kind: ObjectType, id_: str, action: str) -> Reply:
    """`delete` moves a record to the recycle bin, `restore` takes it out, `gdpr-delete` erases a contact for good."""
    refuse_fixed(kind)
    with world.transaction():
        writer = _writer(world, portal, {})
        number = record_id(id_) or 0
        if action == "restore":
            gone = records.by_id(world.database, portal.hub_id, kind, number, archived=True)
            if gone is None:
                raise record_not_found()
            lifecycle.restore(writer, kind, gone)
            return ok(inspect(world, portal, kind, id_))
        if action == "delete":
            lifecycle.archive(writer, kind, find(world, portal, kind, id_))
            return ok({"id": id_, "archived": True})
        if kind is not CONTACT:
            raise invalid("Only contacts can be deleted for privacy")
        archived = records.by_id(world.database, portal.hub_id, kind, number, archived=True)
        lifecycle.erase(writer, archived or find(world, portal, kind, id_))
    return ok({"id": id_, "erased": True})
