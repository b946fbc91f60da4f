"""Leads are registered: one is looked at first, many come by a file; nothing is half done."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from support.rig import LEAD, Rig
from support.sandbox_server import SandboxServer
from syncworker.access.roles import Role
from syncworker.registration.rules.terms import HoldKind, Source
from syncworker.store.portals import Mode
from syncworker.sync import operations
from syncworker.sync.portals.connect import set_mode
from syncworker.web import body_limit
from syncworker.web.app import hold
from syncworker.web.pages import registering_files
from web.signed_in import Browser, signed_in

As = Callable[..., Browser]
_FIELD = re.compile(r'name="(contact|seen|key)" value="([^"]*)"')


@pytest.fixture
def rig(sandbox_server: SandboxServer, database_url: str, redis_url: str) -> Iterator[Rig]:
    sandbox_server.reset(keep_properties=True)
    sandbox_server.hold_nothing_back()
    made = Rig(sandbox_server, database_url, redis_url, api_token="t" * 40)
    yield made
    made.close()


@pytest.fixture
def as_(rig: Rig, served: tuple[FastAPI, httpx.URL]) -> Iterator[As]:
    """Somebody of a role who sees the rig's first portal alone."""
    app, address = served
    app.state.held = hold(rig.context)
    with ExitStack() as stack:

        def opened(role: Role = Role.MANAGER, portals: list[int] | None = None) -> Browser:
            return stack.enter_context(signed_in(address, rig.context, role, portals=portals or [rig.hub]))

        yield opened


@pytest.fixture
def anna(as_: As) -> Browser:
    return as_()


def lead(rig: Rig, domain: str = "granlund-bygg.se", *, hub: int | None = None, **properties: str) -> str:
    """A contact that may be registered, with its company."""
    of = hub or rig.hub
    company = rig.sandbox.create(of, "company", {"name": "Granlund Bygg", "domain": domain})
    fields = {**LEAD, "email": f"bo@{domain}", "website": domain, "company": "Granlund Bygg", **properties}
    return str(rig.sandbox.create(of, "contact", fields, company=company["id"])["id"])


def check(browser: Browser, what: str, **more: str) -> httpx.Response:
    return browser.get("/register", params={"lead": what, **more})


def press(browser: Browser, page: str) -> httpx.Response:
    """Press the button of a check."""
    return browser.submit("/register", on="/register", **dict(_FIELD.findall(page)))


def test_a_lead_is_checked_then_registered_and_its_page_says_so(rig: Rig, anna: Browser) -> None:
    contact = lead(rig)
    for what in (contact, "Bo@Granlund-bygg.se", "https://www.granlund-bygg.se/kontakt"):
        page = check(anna, what).text
        for words in ("It would be", "Registered", "the contact's website: granlund-bygg.se", "Sweden", "free"):
            assert words in page, (what, words)
    # Looking does nothing
    rig.settle()
    assert not rig.requests()
    asked = press(anna, page).headers["location"]
    assert "It is being decided" in anna.get(asked).text
    rig.settle()
    decided = anna.get(asked)
    assert decided.headers["location"].startswith("/leads/domain/granlund-bygg.se")
    assert "this is what came of it" in anna.get(decided.headers["location"]).text
    [request] = rig.requests()
    assert (request.source, request.who) == (Source.APP, "manager@acme-partner.se")
    # Now it is theirs, and there is no button
    page = check(anna, contact).text
    assert "Your company has registered granlund-bygg.se already" in page
    assert 'name="seen"' not in page


def test_what_is_missing_is_named_with_the_way_to_the_record(rig: Rig, anna: Browser) -> None:
    contact = lead(rig, lastname="", website="gmail.com")
    page = check(anna, contact).text
    for words in (
        "Invalid data", "last name is missing", "website cannot be used", "free-mail provider", "Ask all the same",
        f"/contacts/{rig.hub}/record/0-1/{contact}",
    ):  # fmt: skip
        assert words in page, words
    assert "efternamn saknas" in check(anna, contact, lang="sv").text
    anna.get("/register?lang=en")
    press(anna, page)
    rig.settle()
    # Without a domain it has no page of its own: what came of it is told here
    page = anna.get(f"/register/asked/{rig.requests()[0].id}").text
    assert "Invalid data" in page
    assert "It is decided again by itself" in page


def test_holds_and_others_are_told_and_nobody_else_is_named(rig: Rig, anna: Browser) -> None:
    held, others = lead(rig, "kund.se"), lead(rig, "tagen.se")
    operations.add_hold(rig.context, "kund.se", HoldKind.EXISTING_CUSTOMER, who="test")
    theirs = lead(rig, "tagen.se", hub=rig.other_hub)
    operations.register(rig.context, rig.other_hub, theirs, who="them", source=Source.APP, key="k")
    rig.settle()
    assert "belongs to an existing customer" in check(anna, held).text
    page = check(anna, others).text
    assert "is registered by another partner" in page
    assert rig.portals[1]["partner"] not in page
    assert 'name="seen"' not in page


def test_without_capacity_the_place_in_line_is_told(rig: Rig, anna: Browser) -> None:
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE partners SET capacity = 0"))
    first, second = lead(rig), lead(rig, "eken.se")
    page = check(anna, first).text
    assert "place 1 in line" in page
    assert "Put it in line" in page
    press(anna, page)
    rig.settle()
    assert "place 1 in line" in check(anna, first).text
    assert "place 2 in line" in check(anna, second).text


def test_a_stale_check_does_nothing_and_says_how_it_stands_now(rig: Rig, anna: Browser) -> None:
    contact = lead(rig)
    page = check(anna, contact).text
    operations.add_hold(rig.context, "granlund-bygg.se", HoldKind.PURSUED_BY_VENDOR, who="test")
    late = press(anna, page)
    assert late.status_code == 409
    assert "nothing was done" in late.text
    assert "pursued by the vendor" in late.text
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact}/delete")
    gone = press(anna, page)
    assert gone.status_code == 404
    assert "or it was deleted" in gone.text
    assert not rig.requests()


def test_a_form_that_is_sent_twice_asks_once(rig: Rig, anna: Browser) -> None:
    lead(rig)
    page = check(anna, "bo@granlund-bygg.se").text
    first = press(anna, page)
    rig.settle()
    assert press(anna, page).headers["location"] == first.headers["location"]
    assert len(rig.requests()) == 1


def test_who_is_not_found_or_more_than_one_is_said(rig: Rig, anna: Browser) -> None:
    company = rig.sandbox.create(rig.hub, "company", {"name": "Två", "domain": "tva.se"})
    ids = [
        rig.sandbox.create(rig.hub, "contact", {**LEAD, "email": f"{name}@tva.se", "firstname": name},
                           company=company["id"])["id"]
        for name in ("<b>Ada", "Bo")
    ]  # fmt: skip
    page = check(anna, "tva.se").text
    assert "&lt;b&gt;Ada" in page
    assert all(f"/register?lead={one}" in page for one in ids)
    for what, says in (
        ("999999999", "or it was deleted"),
        ("nobody@nowhere.se", "No contact has the email"),
        ("no-such.se", "No company has the domain no-such.se"),
        ("linkedin.com/in/ada", "is on a shared platform: enter the company&#39;s own website."),
        ("<script>", "&lt;script&gt;” is neither an id"),
        ("x" * 10_000, "too long"),
        (f"https://app.hubspot.com/contacts/{rig.other_hub}/record/0-1/1", "choose that portal"),
    ):
        answer = check(anna, what)
        assert answer.status_code in {404, 422}, what
        assert says in answer.text, what


def test_where_hubspot_is_away_what_was_typed_stays(rig: Rig, anna: Browser) -> None:
    lead(rig)
    rig.sandbox.settings(rig.hub, token_revoked=True)
    answer = check(anna, "bo@granlund-bygg.se")
    assert answer.status_code == 503
    assert "HubSpot does not answer now" in answer.text
    assert 'value="bo@granlund-bygg.se"' in answer.text


def test_a_portal_that_is_observed_says_that_nothing_is_registered_yet(rig: Rig, anna: Browser) -> None:
    contact = lead(rig)
    set_mode(rig.context, rig.hub, Mode.OBSERVE, who="t")
    assert "decided once it registers" in check(anna, contact).text


def upload(browser: Browser, content: str | bytes, *, name: str = "leads.csv") -> httpx.Response:
    given = content.encode() if isinstance(content, str) else content
    return browser.post(
        "/register/files", data={"csrf": browser.token("/register")}, files={"file": (name, given, "text/csv")}
    )


def test_a_file_is_looked_through_then_asked_for_and_what_failed_is_mended_and_brought_in(
    rig: Rig, anna: Browser
) -> None:
    good, lacks = lead(rig), lead(rig, "eken.se", lastname="")
    rows = f"Record ID;Namn;E-post;Domän\n{good};Bo;;\n{lacks};Eva;;\n;;=1+1;\n;;;ny-kund.se\n;;;localhost\n{good};;;\n"
    kept = upload(anna, rows, name="<b>leads.csv")
    address = kept.headers["location"]
    page = anna.get(address).text
    for words in (
        "&lt;b&gt;leads.csv", "nothing is done yet", "contact_id, email, domain", "1 other column is left out",
        "Ask for 3 leads", "is not a full domain name", "The same as a row above", "Rows that name no lead",
    ):  # fmt: skip
        assert words in page, words
    rig.settle()
    assert not rig.requests()
    # It can be left, and is found again
    assert address in anna.get("/register").text
    assert "Under way" not in anna.get("/capacity").text
    assert anna.submit(f"{address}/go").headers["location"] == address
    assert "Under way" in anna.get(address).text
    rig.settle()
    page = anna.get(address).text
    for words in ("last name is missing", "No contact stands for it", "Download what failed", "not asked for"):
        assert words in page, words
    assert "granlund-bygg.se" not in anna.get(f"{address}?failed=1").text
    # The file of failures has why in a column, runs nowhere, and comes in again as it is
    document = anna.get(f"{address}/failures.csv").text
    failures = list(csv.DictReader(StringIO(document.removeprefix("\ufeff"))))
    assert [(row["lead"], row["status"]) for row in failures] == [
        (lacks, "invalid_data"), ("'=1+1", ""), ("ny-kund.se", ""), ("localhost", ""),
    ]  # fmt: skip
    assert failures[0]["missing"] == "last name"
    assert "Add a contact of the company" in failures[2]["what_now"]
    assert "efternamn" in anna.get(f"{address}/failures.csv?lang=sv").text
    anna.get("/register?lang=en")
    lead(rig, "ny-kund.se")
    mended = upload(anna, document.replace("localhost", good).encode(), name="leads-1-failures.csv").headers["location"]
    anna.submit(f"{mended}/go")
    rig.settle()
    page = anna.get(mended).text
    assert "ny-kund.se" in page
    assert 'href="/leads/domain/ny-kund.se"' in page


def test_of_a_large_file_the_first_rows_are_there_at_once_and_the_rest_is_counted_then(
    rig: Rig, anna: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering_files, "COUNTED_AT_ONCE", 2)
    address = upload(anna, "domain\nett.se\ntva.se\nlocalhost\ntva.se\n").headers["location"]
    page = anna.get(address).text
    for words in ("ett.se", "is being counted", "Ask for its leads", "Named twice", "Rows that name no lead"):
        assert words in page, words
    assert "Fit into the capacity" not in page
    [counting] = re.findall(r'hx-get="([^"]+)" hx-trigger="load"', page)
    # Where scripts do not run, the same is a link.
    assert f'href="{counting}"' in page
    counted = anna.get(counting).text
    assert "Fit into the capacity" in counted
    assert "Ask for 2 leads" in counted
    assert "is being counted" not in counted


def test_what_failed_is_asked_for_again_once_it_is_mended_in_hubspot(rig: Rig, anna: Browser) -> None:
    address = upload(anna, "domain\nny-kund.se\neken.se\n").headers["location"]
    lead(rig, "eken.se")
    anna.submit(f"{address}/go")
    rig.settle()
    assert "Ask again for 1" in anna.get(address).text
    lead(rig, "ny-kund.se")
    again = anna.submit(f"{address}/again").headers["location"]
    assert anna.submit(f"{address}/again").headers["location"] == again
    rig.settle()
    assert 'href="/leads/domain/ny-kund.se"' in anna.get(again).text
    assert len(rig.requests()) == 2


def test_a_file_that_cannot_be_used_says_what_to_change_and_one_too_large_is_not_read(
    rig: Rig, anna: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content, says in ((b"", "is empty"), (b"name\nAda", "call one of them contact_id"), (b"\xff\xfe\0", "UTF-8")):
        answer = upload(anna, content)
        assert answer.status_code == 422, content
        assert says in answer.text, content
    assert (
        "saknar rubrikrad"
        in anna.post(
            "/register/files?lang=sv", data={"csrf": anna.token("/register")}, files={"file": ("x.csv", b"a@b.se")}
        ).text
    )
    monkeypatch.setattr(body_limit.limited, "__defaults__", (1000,))
    token = anna.token("/register")
    declared = anna.post("/register/files", data={"csrf": token}, files={"file": ("x.csv", b"x" * 2000)})
    assert declared.status_code == 413

    def pieces() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
        yield from (b"x" * 500 for _ in range(4))
        yield b"\r\n--x--\r\n"

    undeclared = anna.post(
        "/register/files",
        content=pieces(),
        headers={"content-type": "multipart/form-data; boundary=x", "x-csrf-token": token},
    )
    assert undeclared.status_code == 413
    assert "Files of late" not in anna.get("/register").text


def test_a_file_is_discarded_and_nobody_elses_is_there(rig: Rig, as_: As, anna: Browser) -> None:
    address = upload(anna, "email\nbo@granlund-bygg.se\n").headers["location"]
    other = as_(Role.OPERATOR, portals=[rig.other_hub])
    for path in (address, f"{address}/failures.csv", f"{address}/rows.csv"):
        assert other.get(path).status_code == 404, path
    for deed in ("go", "discard", "again"):
        assert other.submit(f"{address}/{deed}").status_code == 404, deed
    assert anna.get(f"{address}/else.csv").status_code == 404
    gone = anna.submit(f"{address}/discard").headers["location"]
    assert "The file is discarded" in anna.get(gone).text
    assert anna.get(address).status_code == 404


def test_a_viewer_registers_nothing_and_nobody_does_without_the_sessions_token(
    rig: Rig, as_: As, anna: Browser
) -> None:
    contact = lead(rig)
    address = upload(anna, "email\nbo@granlund-bygg.se\n").headers["location"]
    viewer = as_(Role.VIEWER)
    for path in ("/register", f"/register?lead={contact}", address, f"{address}/rows.csv"):
        assert viewer.get(path).status_code == 403, path
    for path in ("/register", "/register/files", f"{address}/go", f"{address}/again", f"{address}/discard"):
        assert viewer.submit(path, contact=contact, key="a" * 32).status_code == 403, path
        assert anna.post(path, data={"contact": contact}).status_code == 403, path
    for page in ("/capacity", "/leads/registered"):
        assert 'href="/register"' not in viewer.get(page).text, page
        assert 'href="/register"' in anna.get(page).text, page
    assert not rig.requests()


def test_the_api_says_the_same_of_a_lead_before_it_is_asked_for(rig: Rig, as_: As, anna: Browser) -> None:
    lacks = lead(rig, lastname="")
    found = anna.get("/api/v1/leads/check", params={"lead": "bo@granlund-bygg.se"}).json()
    assert (found["contact_id"], found["would_be"], found["missing"]) == (lacks, "invalid_data", ["last name"])
    assert (found["read_from"], found["domain"]) == ("website", "granlund-bygg.se")
    assert anna.get("/api/v1/leads/check", params={"lead": "nobody@nowhere.se"}).status_code == 404
    assert as_(Role.VIEWER).get("/api/v1/leads/check", params={"lead": lacks}).status_code == 403
    assert not rig.requests()
