"""Does a setup bring a portal to what we need, lose nothing, and find nothing to do the second time?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncworker.hubspot.definitions import Option, definition_json
from syncworker.hubspot.errors import FixCredentials, FixRequest
from syncworker.hubspot.properties import GROUP, PropertyNames, definitions
from syncworker.hubspot.setup import apply, plan

pytestmark = pytest.mark.integration

WANTED = definitions(PropertyNames(), tiers=["gold"], hubspot_is_authority=True)
STATUS = WANTED["contact"][0]


def there(portal):
    return {one.name: one for one in portal.property_definitions("contact")}


def test_an_empty_portal_gets_everything_and_then_nothing_more(portal):
    first = plan(portal, WANTED)
    assert [one.action for one in first].count("create_group") == 2
    assert plan(portal, WANTED) == first
    assert "contact: create property partner_registration_status: Registration status" in map(str, first)
    assert apply(portal, first) == first
    assert plan(portal, WANTED) == []
    assert apply(portal, []) == []


def test_missing_options_and_texts_are_put_right_and_other_options_stay(portal):
    theirs = Option(value="vip", label="VIP", display_order=9)
    worn = replace(
        STATUS, label="Old", field_type="radio",
        options=(theirs, replace(STATUS.options[0], label="Reg", display_order=3, hidden=True)),
    )  # fmt: skip
    portal.create_group("contact", GROUP)
    portal.create_property("contact", worn)
    (change,) = [one for one in plan(portal, WANTED) if one.action == "update_property"]
    assert "option pending is added" in str(change)
    assert "label 'Old' becomes" in str(change)
    apply(portal, plan(portal, WANTED))
    mended = there(portal)[STATUS.name]
    options = {one.value: one for one in mended.options}
    assert options["vip"] == theirs
    assert options["registered"] == replace(STATUS.options[0], display_order=3)
    assert set(options) == {"vip", *(one.value for one in STATUS.options)}
    assert (mended.label, mended.field_type) == (STATUS.label, "select")
    assert plan(portal, WANTED) == []


def test_another_type_is_reported_and_left_alone(portal):
    portal.create_group("contact", GROUP)
    portal.create_property("contact", replace(STATUS, type="string", field_type="text", options=()))
    apply(portal, plan(portal, WANTED))
    (change,) = plan(portal, WANTED)
    assert change.action == "conflict"
    assert "it is there as string and must be enumeration" in str(change)
    assert apply(portal, [change]) == []
    assert there(portal)[STATUS.name].type == "string"


def test_what_somebody_created_meanwhile_is_compared(portal):
    changes = plan(portal, WANTED)
    portal.create_group("contact", GROUP)
    portal.create_property("contact", replace(STATUS, label="Old"))
    done = apply(portal, changes)
    assert [one.action for one in done if one.name == STATUS.name and one.object_type == "contact"] == [
        "update_property"
    ]
    assert plan(portal, WANTED) == []


def test_a_name_taken_by_something_unseen_is_a_conflict(stub, client):
    stub.says({"results": [{"name": GROUP.name, "label": GROUP.label}]})
    stub.says({"results": []})
    stub.says({"status": "error", "message": "in words nobody recorded"}, 409)
    stub.says({"results": []})
    (done,) = apply(client, plan(client, {"contact": [STATUS]}))
    assert done.action == "conflict"
    assert "not listed" in str(done)
    assert stub.asked[2].json == definition_json(STATUS)


@pytest.mark.parametrize(("status", "kind"), [(403, FixCredentials), (400, FixRequest)])
def test_a_refusal_is_told(stub, client, status, kind):
    stub.says({"results": []})
    stub.says({"results": []})
    stub.says({"status": "error", "message": "no"}, status)
    with pytest.raises(kind):
        apply(client, plan(client, {"contact": [STATUS]}))
