"""Is a file of leads looked through before anything is done, asked for once, and told what came of each row?"""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.rig import LEAD, Rig
from syncworker.registration.ledger import overdue
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.domain_rules import domain_rules
from syncworker.registration.rules.terms import Source
from syncworker.sync.jobs import file_rows, job, job_work, lead_file, lead_rows
from syncworker.sync.jobs.file_rows import Came, FileRow
from syncworker.sync.jobs.job import Outcome, UnknownJob
from syncworker.sync.lists import csv_lists
from syncworker.sync.lists.asked_list import Asked, AskedView
from syncworker.sync.lists.lead_list import Leads, View
from syncworker.sync.portals.takeover import BadFile
from syncworker.sync.privacy import privacy

WHO = "marta"


def upload(rig: Rig, *lines: str, name: str = "leads.csv", encoding: str = "utf-8") -> job.Job:
    content = "\r\n".join(lines).encode(encoding)
    return lead_file.upload(rig.context, rig.hub, content, name=name, who=WHO)


def rows(rig: Rig, of: job.Job, *, failed: bool = False) -> list[FileRow]:
    with rig.context.database.transaction() as tx:
        return list(file_rows.rows(tx, rig.hub, of.id, failed=failed))


def preview(rig: Rig, of: job.Job) -> list[FileRow]:
    with rig.context.database.transaction() as tx:
        return list(file_rows.preview(tx, rig.hub, of.id))


def new_contact(rig: Rig, email: str, **properties: str) -> str:
    made = rig.sandbox.create(rig.hub, "contact", {**LEAD, "email": email, **properties})
    return str(made["id"])


def test_a_file_is_looked_through_then_asked_for_and_each_row_has_its_outcome(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    by_id = new_contact(rig, "bo@granlund-bygg.se", website="granlund-bygg.se")
    new_contact(rig, "eva@eken.se", website="eken.se")
    new_contact(rig, "no@website.se", website="")
    of = upload(
        rig, "email;contact_id;domain", f";{by_id};", "Eva@Eken.se;;", "no@website.se;;", "nobody@nowhere.se;;",
        ";;www.fjordline-tools.se", ";;unknown-domain.se", "not an email@;;", "eva@eken.se;;", ";;localhost",
        encoding="utf-8-sig",
    )  # fmt: skip
    assert (of.total, of.held, of.note) == (9, True, "leads.csv")
    # Nothing is done yet, and the preview says what is known without asking HubSpot
    rig.settle()
    assert len(rig.requests()) == 1
    assert [(row.place, row.outcome) for row in preview(rig, of)] == [
        (2, None), (3, None), (4, None), (5, None), (6, Outcome.REGISTERED), (7, None),
        (8, Outcome.BAD_LEAD), (9, Outcome.DUPLICATE), (10, Outcome.BAD_LEAD),
    ]  # fmt: skip
    lead_file.take(rig.context, rig.hub, of.id)
    lead_file.take(rig.context, rig.hub, of.id)
    rig.settle()
    done = rows(rig, of)
    assert [(row.outcome, row.state) for row in done] == [
        (Outcome.DONE, State.REGISTERED),
        (Outcome.DONE, State.REGISTERED),
        (Outcome.DONE, State.INVALID_DATA),
        (Outcome.DONE, State.PROCESSING),
        (Outcome.REGISTERED, None),
        (Outcome.NO_CONTACT, None),
        (Outcome.BAD_LEAD, None),
        (Outcome.DUPLICATE, None),
        (Outcome.BAD_LEAD, None),
    ]
    assert {request.source for request in rig.requests()} == {Source.FORM, Source.IMPORT}
    assert rig.status("eva@eken.se")[0] == "registered"
    with rig.context.database.transaction() as tx:
        assert file_rows.came(tx, rig.hub, of.id) == Came(
            registered=3, pending=1, invalid_data=1, not_asked=3, duplicates=1
        )
        assert [row.place for row in rows(rig, of, failed=True)] == [4, 7, 8, 10]
        with pytest.raises(UnknownJob):
            file_rows.rows(tx, rig.other_hub, of.id)


def test_the_same_file_is_the_same_job(rig: Rig) -> None:
    first = upload(rig, "email", "ada@fjordline-tools.se")
    assert upload(rig, "email", "ada@fjordline-tools.se", name="another name.csv").id == first.id


def test_a_file_that_cannot_be_used_says_what_to_change(rig: Rig) -> None:
    for content, says in (
        ("email\nåsa@eken.se".encode("latin-1"), "line 2 has a letter.*save it as CSV UTF-8"),
        ("email\nasa@eken.se".encode("utf-16-le"), "save it as CSV UTF-8"),
        ("email\nasa@eken.se".encode("utf-16")[:-1], "save it as CSV UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", "save it as CSV UTF-8"),
        (b"name,phone\nAda,1", "call one of them contact_id, email or domain"),
        (b"asa@eken.se\nbo@eken.se", "no header: add a first line"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b"email\n" + b"\n" * 3, "names no leads"),
        (b'email\n"' + b"x" * 200_000, "no CSV from line .* quotation mark"),
        (b"email\n" + b"x" * lead_rows.MOST_BYTES, "larger than 20 MB"),
    ):
        with pytest.raises(BadFile, match=says):
            lead_file.upload(rig.context, rig.hub, content, name="leads.csv", who=WHO)


def test_a_file_is_read_as_excel_and_hubspot_write_it() -> None:
    rules = domain_rules()
    for content, leads in (
        ("E-post;Namn\r\nAda@Eken.se;Åsa\r\n".encode("cp1252"), ["ada@eken.se"]),
        ("Domän\tNamn\r\nhttps://www.åkeri.se/om\tÅsa\r\n".encode("utf-16"), ["xn--keri-poa.se"]),
        (b"sep=;\nEmail;Record ID\n;123\nada@eken.se;\n", ["123", "ada@eken.se"]),
        (b'\xef\xbb\xbf"Company Domain Name","Record ID - Contact"\n"eken.se",""\n', ["eken.se"]),
        (b'lead,why\n"\'=x@eken.se",mended\n12,\n', ["=x@eken.se", "12"]),
        (b"email\nada@eken.se", ["ada@eken.se"]),
    ):
        found = lead_rows.read(content, "leads.csv", rules)
        assert [item.domain for item in found.items] == leads, content
        assert not any(item.outcome for item in found.items), content


def test_what_is_no_lead_is_shown_short_and_shifts_no_other_row(rig: Rig) -> None:
    of = upload(
        rig, "lead", "x" * 10_000, "a\x1fb@eken.se", '"two\nlines"', "1E+11", "https://eken.se/" + "x" * 300, "7"
    )
    found = preview(rig, of)
    assert [(row.place, row.outcome) for row in found] == [
        *((place, Outcome.BAD_LEAD) for place in (2, 3, 5, 6)), (7, None), (8, None),
    ]  # fmt: skip
    assert found[0].lead.endswith("x…")
    assert len(found[0].lead) == lead_rows.MOST_CHARACTERS
    assert (found[1].lead, found[4].lead, found[5].lead) == ("a b@eken.se", "eken.se", "7")


def test_a_domain_means_the_one_contact_of_its_company_and_is_asked_of_hubspot_by_the_hundred(rig: Rig) -> None:
    company = rig.sandbox.create(rig.hub, "company", {"name": "Eken", "domain": "eken.se"})
    rig.sandbox.create(
        rig.hub, "contact", {**LEAD, "email": "eva@eken.se", "website": "eken.se"}, company=company["id"]
    )
    pair = rig.sandbox.create(rig.hub, "company", {"name": "Tall", "domain": "tall.se"})
    for name in ("ada", "bo"):
        rig.sandbox.create(rig.hub, "contact", {**LEAD, "email": f"{name}@tall.se"}, company=pair["id"])
    of = upload(rig, "domain", "eken.se", "tall.se", *(f"nobody{n}.se" for n in range(60)))
    lead_file.take(rig.context, rig.hub, of.id)
    rig.sandbox.reset_stats()
    assert job_work.continue_jobs(rig.context, rig.hub)
    # Sixty short names fit into a request of HubSpot's, and are no sixty searches
    assert sum(count for route, count in rig.sandbox.calls("POST").items() if "search" in route) == 1
    rig.settle()
    assert [row.outcome for row in rows(rig, of)][:3] == [Outcome.DONE, Outcome.SEVERAL_CONTACTS, Outcome.NO_CONTACT]
    assert rows(rig, of)[0].state is State.REGISTERED


def test_a_lead_whose_registration_is_over_is_asked_for_before_anybody_noted_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "OVERDUE_AT_ONCE", 1)
    emails = ["ada@fjordline-tools.se", "bo@granlund-bygg.se"]
    for email in emails:
        rig.submit(email, website=email.partition("@")[2])
    rig.settle()
    rig.pass_time(days=400)
    of = upload(rig, "email", *emails)
    lead_file.take(rig.context, rig.hub, of.id)
    rig.settle()
    assert [(row.outcome, row.state) for row in rows(rig, of)] == [(Outcome.DONE, State.REGISTERED)] * 2


def test_while_hubspot_cannot_be_asked_a_file_waits_and_goes_on_after(rig: Rig) -> None:
    of = upload(rig, "domain", "nobody.se")
    lead_file.take(rig.context, rig.hub, of.id)
    rig.sandbox.settings(rig.hub, token_revoked=True)
    assert not job_work.continue_jobs(rig.context, rig.hub)
    assert not job_work.continue_jobs(rig.context, rig.hub)
    assert rows(rig, of)[0].outcome is None
    rig.sandbox.settings(rig.hub, token_revoked=False)
    rig.pass_time(minutes=10)
    rig.settle()
    assert rows(rig, of)[0].outcome is Outcome.NO_CONTACT


def test_who_is_deleted_for_privacy_is_in_no_file_any_more(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    of = upload(rig, "email", "ada@fjordline-tools.se", "bo@fjordline-tools.se")
    contact = (rig.hub, rig.contact_id("ada@fjordline-tools.se"))
    rig.context.database.run(lambda tx: privacy.erase_contacts(tx, rig.context.secrets, {contact: tx.now}, gone=True))
    assert [row.lead for row in rows(rig, of)] == ["erased", "bo@fjordline-tools.se"]


def test_what_was_typed_into_a_file_is_forgotten_after_a_while(rig: Rig) -> None:
    of = upload(rig, "email", "ada@fjordline-tools.se")
    with rig.context.database.transaction() as tx:
        assert lead_file.forget_old(tx) == 0
    rig.pass_time(days=lead_file.KEPT_FOR / timedelta(days=1), seconds=1)
    with rig.context.database.transaction() as tx:
        assert lead_file.forget_old(tx) == 1
        with pytest.raises(UnknownJob):
            job.show(tx, rig.hub, of.id)


def test_a_hundred_thousand_rows_are_taken_in(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead_rows, "MOST_ROWS", 3_000)
    many = ["contact_id", *(str(n) for n in range(1, 3_001))]
    assert upload(rig, *many).total == 3_000
    with pytest.raises(BadFile, match="divide it"):
        upload(rig, *many, "9999")


def test_lists_leave_as_csv_with_no_cell_that_runs(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se", company='=HYPERLINK("http://x")', firstname="@Ada", lastname='B"erg')
    rig.settle()
    database = rig.context.database
    found = csv_lists.leads(database, rig.hub, Leads.REGISTERED, View())
    document = "".join(csv_lists.lines(csv_lists.LEAD_COLUMNS, found))
    pending = csv_lists.asked(database, rig.hub, Asked.PENDING, AskedView())
    asked = "".join(csv_lists.lines(csv_lists.ASKED_COLUMNS, pending))
    assert document.startswith("\ufeffdomain,company,")
    [row] = csv.DictReader(StringIO(document.removeprefix("\ufeff")))
    assert row["domain"] == "fjordline-tools.se"
    assert row["contact"].startswith("'@Ada")
    assert asked.count("\r\n") == 1


@given(st.text())
def test_no_text_becomes_a_formula(text: str) -> None:
    assert not csv_lists.defused(text).startswith(("=", "+", "-", "@", "\t", "\r"))
