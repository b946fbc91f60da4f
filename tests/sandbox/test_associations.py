"""Are contacts and companies associated as HubSpot does it?"""

from __future__ import annotations

from sandbox.conftest import Portal

PRIMARY = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
PLAIN = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]


def _read(portal: Portal, *ids: str, origin: str = "contacts", target: str = "companies") -> dict[str, list[int]]:
    body = {"inputs": [{"id": id_} for id_ in ids]}
    _, answer = portal.call("POST", portal.links(f"associations/{origin}/{target}/batch/read"), body)
    return {
        f"{result['from']['id']}:{to['toObjectId']}": [one["typeId"] for one in to["associationTypes"]]
        for result in answer["results"]
        for to in result["to"]
    }


def test_pairs_are_associated_read_and_parted_in_every_spelling(spelt: Portal) -> None:
    contact, company = spelt.contact(email="a@acme.test"), spelt.company(domain="acme.test")
    base = f"objects/contact/{contact}/associations"
    status, _ = spelt.call("PUT", spelt.links(f"{base}/default/company/{company}"))
    assert status == 200
    assert _read(spelt, contact) == {f"{contact}:{company}": [279]}
    status, answer = spelt.call("PUT", spelt.links(f"{base}/company/{company}"), PRIMARY)
    assert (status, answer["labels"], answer["toObjectId"]) == (201, ["Primary"], int(company))
    assert _read(spelt, contact) == {f"{contact}:{company}": [1, 279]}
    assert _read(spelt, company, origin="companies", target="contacts") == {f"{company}:{contact}": [2, 280]}
    _, listed = spelt.call("GET", spelt.links(f"{base}/companies"))
    assert listed["results"][0]["toObjectId"] == int(company)
    assert spelt.call("DELETE", spelt.links(f"{base}/company/{company}"))[0] == 204
    assert _read(spelt, contact) == {}


def test_a_contact_has_one_primary_company(portal: Portal) -> None:
    contact = portal.contact(email="a@acme.test")
    companies = [portal.company(domain=f"{name}.test") for name in ("one", "two")]
    for company in companies:
        portal.call("PUT", portal.links(f"objects/contacts/{contact}/associations/companies/{company}"), PRIMARY)
    assert _read(portal, contact) == {
        f"{contact}:{companies[0]}": [279],
        f"{contact}:{companies[1]}": [1, 279],
    }
    portal.call("PUT", portal.links(f"objects/contacts/{contact}/associations/companies/{companies[1]}"), PLAIN)
    assert _read(portal, contact)[f"{contact}:{companies[1]}"] == [279]


def test_a_batch_read_leaves_out_the_lonely_and_reports_the_missing(portal: Portal) -> None:
    lonely = portal.contact(email="a@acme.test")
    body = {"inputs": [{"id": lonely}, {"id": "4711"}]}
    status, answer = portal.call("POST", portal.links("associations/contacts/companies/batch/read"), body)
    assert (status, answer["results"], answer["errors"][0]["context"]["id"]) == (207, [], ["4711"])


def test_batches_associate_and_part(portal: Portal) -> None:
    company = portal.company(domain="acme.test")
    contacts = [portal.contact(email=f"{name}@acme.test") for name in "abc"]
    pairs = [{"from": {"id": contact}, "to": {"id": company}} for contact in contacts]
    base = "associations/contacts/companies/batch"
    with_types = [{**pair, "types": PRIMARY} for pair in pairs]
    status, _ = portal.call("POST", portal.links(f"{base}/create"), {"inputs": with_types[:2]})
    assert status == 201
    status, _ = portal.call("POST", portal.links(f"{base}/associate/default"), {"inputs": pairs})
    assert status == 200
    assert _read(portal, *contacts) == {
        f"{contacts[0]}:{company}": [1, 279],
        f"{contacts[1]}:{company}": [1, 279],
        f"{contacts[2]}:{company}": [279],
    }
    parted = {"inputs": [{"from": {"id": contacts[0]}, "to": [{"id": company}]}]}
    assert portal.call("POST", portal.links(f"{base}/archive"), parted)[0] == 204
    assert f"{contacts[0]}:{company}" not in _read(portal, *contacts)


def test_more_than_five_hundred_are_paged(portal: Portal) -> None:
    portal.server.seed(contacts=520, companies=1)
    company = portal.server.get(f"/_sandbox/portals/{portal.hub_id}/companies")["results"][0]["id"]
    contacts = portal.server.get(f"/_sandbox/portals/{portal.hub_id}/contacts?limit=100")
    assert contacts["total"] == 520
    everybody = {"inputs": [{"from": {"id": str(120_000_000_001 + n)}, "to": {"id": company}} for n in range(520)]}
    portal.call("POST", portal.links("associations/contacts/companies/batch/associate/default"), everybody)
    path = portal.links(f"objects/companies/{company}/associations/contacts")
    _, first = portal.call("GET", path)
    _, second = portal.call("GET", f"{path}?after={first['paging']['next']['after']}")
    assert (len(first["results"]), len(second["results"])) == (500, 20)
    read = portal.links("associations/companies/contacts/batch/read")
    _, answer = portal.call("POST", read, {"inputs": [{"id": company}]})
    after = answer["results"][0]["paging"]["next"]["after"]
    _, rest = portal.call("POST", read, {"inputs": [{"id": company, "after": after}]})
    assert (len(answer["results"][0]["to"]), len(rest["results"][0]["to"])) == (500, 20)


def test_only_known_types_and_pairs_are_accepted(portal: Portal) -> None:
    contact, company = portal.contact(email="a@acme.test"), portal.company(domain="acme.test")
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 2}]
    path = portal.links(f"objects/contacts/{contact}/associations/companies/{company}")
    assert portal.call("PUT", path, wrong)[0] == 400
    assert portal.call("PUT", path, {})[0] == 400
    assert portal.call("GET", portal.links(f"objects/contacts/{contact}/associations/contacts"))[0] == 400
    assert portal.call("PUT", portal.links(f"objects/contacts/{contact}/associations/default/companies/77"))[0] == 404


def test_a_read_record_carries_its_associations_where_asked(portal: Portal) -> None:
    contact, company = portal.contact(email="a@acme.test"), portal.company(domain="acme.test")
    portal.call("PUT", portal.links(f"objects/contacts/{contact}/associations/companies/{company}"), PRIMARY)
    _, answer = portal.call("GET", portal.objects("contacts?associations=companies&properties=associatedcompanyid"))
    record = answer["results"][0]
    assert {one["id"] for one in record["associations"]["companies"]["results"]} == {company}
    assert record["properties"]["associatedcompanyid"] == company
