"""Is what is registered already taken over as it is, and are files of all kinds read or refused in words?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import text

from support.locked import while_it_waits
from support.rig import LEAD, Rig
from syncworker.registration.rules.terms import Source
from syncworker.sync import operations
from syncworker.sync.portals import takeover
from syncworker.sync.portals.hold_import import import_holds
from syncworker.sync.portals.takeover import BadFile, Outcome

ADA = "ada@fjordline-tools.se"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "registrations.csv"


def take_over(rig: Rig, file: Path, *rows: str, dry_run: bool = False, hub: int | None = None) -> Outcome:
    if rows:
        file.write_text("\n".join(("domain,registered_on,expires_on,contact_id,company_id", *rows)), encoding="utf-8")
    outcome = takeover.import_registrations(rig.context, hub or rig.hub, file, who="t", dry_run=dry_run)
    rig.settle()
    return outcome


def day(rig: Rig, days: int) -> date:
    return rig.clock.time.date() + timedelta(days=days)


def test_a_row_keeps_its_domain_and_dates_and_needs_no_contact(rig: Rig, file: Path) -> None:
    began, ends = day(rig, -100), day(rig, 17)
    taken = take_over(rig, file, f"https://www.Alfa-Verken.se/om,{began},{ends},,")
    assert (taken.active, taken.problems) == (["alfa-verken.se"], [])
    [row] = rig.registrations()
    assert (row.domain, row.registered_on, row.expires_on) == ("alfa-verken.se", began, ends)
    assert (row.source, row.contact_id, row.ended_at) == ("import", None, None)


def test_without_its_last_day_a_row_gets_the_programs_validity(rig: Rig, file: Path) -> None:
    take_over(rig, file, f"alfa-verken.se,{day(rig, -30)},,,")
    [row] = rig.registrations()
    assert row.expires_on == row.registered_on.replace(year=row.registered_on.year + 1)


def test_a_row_gets_the_validity_of_the_tier_of_its_moment(rig: Rig, file: Path) -> None:
    file.write_text(f"domain,registered_on\nalfa-verken.se,{day(rig, -30)}", encoding="utf-8")

    def take() -> Outcome:
        return takeover.import_registrations(rig.context, rig.hub, file, who="t", dry_run=False)

    # Given that the tier becomes another one while the import waits for the partner's lock
    with while_it_waits(rig.context.database, rig.hub, take) as (tx, working):
        tx.connection.execute(text("UPDATE partners SET tier = 'sales-referral-partner'"))
    assert working.result(30).active == ["alfa-verken.se"]
    [row] = rig.registrations()
    assert (row.expires_on - row.registered_on).days < 100


def test_past_ones_come_in_as_expired_and_leave_the_domain_free(rig: Rig, file: Path) -> None:
    taken = take_over(rig, file, f"fjordline-tools.se,{day(rig, -400)},{day(rig, -35)},,")
    assert (taken.active, taken.expired) == ([], ["fjordline-tools.se"])
    assert [(r.end_reason, r.ended_at is not None) for r in rig.registrations()] == [("expired", True)]
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("registered", None)


def test_what_is_registered_already_comes_in_over_capacity(make_rig: Callable[..., Rig], file: Path) -> None:
    rig = make_rig(partner_capacity=1)
    taken = take_over(rig, file, *(f"firma-{n}.se,{day(rig, -30)},,," for n in range(3)))
    assert len(taken.active) == 3
    assert [r.ended_at for r in rig.registrations()] == [None] * 3
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("pending", "capacity_reached")


def test_conflicts_are_listed_and_change_nothing(rig: Rig, file: Path) -> None:
    rig.submit(ADA)
    rig.settle()
    before = rig.registrations()
    theirs = take_over(rig, file, f"fjordline-tools.se,{day(rig, -30)},,,", hub=rig.other_hub)
    [(_, domain, problem)] = theirs.problems
    assert (domain, "another partner" in problem) == ("fjordline-tools.se", True)
    assert rig.portals[0]["partner"] not in problem
    ours = take_over(rig, file, f"fjordline-tools.se,{day(rig, -30)},,,")
    assert "registered here already" in ours.problems[0][2]
    assert rig.registrations() == before


def test_a_file_that_is_tried_says_what_would_be_and_keeps_nothing(rig: Rig, file: Path) -> None:
    rows = (f"alfa-verken.se,{day(rig, -30)},,,", f"bravo-bygg.se,{day(rig, -900)},,,", "localhost,2020-01-01,,,")
    tried = take_over(rig, file, *rows, dry_run=True)
    assert (tried.active, tried.expired, len(tried.problems)) == (["alfa-verken.se"], ["bravo-bygg.se"], 1)
    assert rig.registrations() == []
    with rig.context.database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM history WHERE domain IS NOT NULL")).scalar_one() == 0
    done = take_over(rig, file, *rows)
    assert (done.active, done.expired, done.problems) == (tried.active, tried.expired, tried.problems)


def test_the_same_file_again_is_known_and_changes_nothing(rig: Rig, file: Path) -> None:
    rows = (f"alfa-verken.se,{day(rig, -30)},,,", f"bravo-bygg.se,{day(rig, -900)},,,")
    take_over(rig, file, *rows)
    before = rig.registrations()
    assert sorted(take_over(rig, file, *rows).known) == ["alfa-verken.se", "bravo-bygg.se"]
    assert rig.registrations() == before


BAD_ROWS = {
    "alfa.se,yesterday,,,": "registered_on must be a date",
    "bravo.se,2026-01-01,soon,,": "expires_on must be a date",
    "charlie.se,2999-01-01,,,": "in the future",
    "delta.se,2026-02-01,2026-01-01,,": "before registered_on",
    "echo.se,2026-01-01,,ada,": "in digits",
    "gmail.com,2026-01-01,,,": "",
}


def test_each_bad_row_is_named_with_what_is_wrong_and_the_good_ones_are_taken(rig: Rig, file: Path) -> None:
    taken = take_over(rig, file, *BAD_ROWS, "foxtrot.se,2026-01-01,2999-01-01,,")
    assert [number for number, *_ in taken.problems] == [2, 3, 4, 5, 6, 7]
    for (_, _, wrong), expected in zip(taken.problems, BAD_ROWS.values(), strict=True):
        assert wrong
        assert expected in wrong
    assert taken.active == ["foxtrot.se"]


def test_a_domain_that_stands_twice_in_a_file_is_taken_once(rig: Rig, file: Path) -> None:
    taken = take_over(rig, file, f"alfa-verken.se,{day(rig, -30)},,,", f"www.alfa-verken.se,{day(rig, -20)},,,")
    assert taken.active == ["alfa-verken.se"]
    assert "the same domain as in row 2" in taken.problems[0][2]


def test_a_file_of_excel_is_read(rig: Rig, file: Path) -> None:
    lines = "\r\n".join(["Domain ,REGISTERED_ON", f"räksmörgås.se,{day(rig, -30)}"])
    for encoding, mark in product(("utf-8", "utf-8-sig"), ",;"):
        file.write_bytes(lines.replace(",", mark).encode(encoding))
        assert take_over(rig, file, dry_run=True).active == ["xn--rksmrgs-5wao1o.se"], (encoding, mark)


BAD_FILES = {
    "domän,registered_on\nåäö.se,2026-01-01".encode("latin-1"): "not UTF-8",
    "domain,registered_on\nå.se,2026-01-01".encode("utf-16"): "not UTF-8",
    b"company\nAlfa": "lacks the columns domain, registered_on",
    b"": "lacks the columns",
    b'domain,registered_on\n"' + b"x" * 200_000: "is not CSV",
}


def test_a_file_that_cannot_be_used_is_refused_as_a_whole(rig: Rig, file: Path) -> None:
    for content, why in BAD_FILES.items():
        file.write_bytes(content)
        with pytest.raises(BadFile, match=why):
            take_over(rig, file)
    assert rig.registrations() == []


def test_its_contact_and_company_show_it(rig: Rig, file: Path) -> None:
    company = rig.sandbox.create(rig.hub, "companies", {"name": "Alfa", "domain": "alfa-verken.se"})
    contact = rig.sandbox.create(rig.hub, "contacts", {"email": ADA}, company=company["id"])
    take_over(rig, file, f"alfa-verken.se,{day(rig, -30)},,{contact['id']},{company['id']}")
    shown = rig.contact(ADA)
    assert (shown["partner_registration_status"], shown["partner_registration_source"]) == ("registered", "import")
    assert rig.company("alfa-verken.se")["partner_registration_status"] == "registered"


def test_who_waits_for_a_domain_that_is_taken_over_hears_of_it(make_rig: Callable[..., Rig], file: Path) -> None:
    rig = make_rig(partner_capacity=0)
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("pending", "capacity_reached")
    take_over(rig, file, f"fjordline-tools.se,{day(rig, -30)},,,", hub=rig.other_hub)
    assert rig.status(ADA) == ("unavailable", "registered_by_another")


def test_who_waits_for_a_domain_that_their_own_partner_takes_over_joins_it(
    make_rig: Callable[..., Rig], file: Path
) -> None:
    rig = make_rig(partner_capacity=0)
    rig.submit(ADA)
    rig.settle()
    rig.pass_time(seconds=1)
    take_over(rig, file, f"fjordline-tools.se,{day(rig, -30)},,,")
    assert rig.status(ADA) == ("registered", None)
    assert [r.state for r in rig.requests()] == ["registered"]


def test_holds_come_in_by_file_and_refuse_and_flag(rig: Rig, file: Path) -> None:
    rig.submit(ADA)
    rig.settle()
    file.write_text(
        "domain;kind;note\nfjordline-tools.se;existing_customer;old\nhttps://granlund-bygg.se;pursued_by_vendor;\n"
        "gmail.com;existing_customer;\nx.se;unheard_of;\n"
    )
    tried = import_holds(rig.context, file.read_bytes(), file.name, who="t", dry_run=True)
    with rig.context.database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM holds")).scalar_one() == 0
    taken = import_holds(rig.context, file.read_bytes(), file.name, who="t", dry_run=False)
    assert taken == tried
    came = [("fjordline-tools.se", "added"), ("granlund-bygg.se", "added"), (None, "left_out"), (None, "left_out")]
    assert [(row.domain, row.came.value) for row in taken] == came
    assert [row.number for row in taken] == [2, 3, 4, 5]
    again = import_holds(rig.context, file.read_bytes(), file.name, who="t", dry_run=False)
    assert [row.came.value for row in again] == ["known", "known", "left_out", "left_out"]
    rig.settle()
    assert rig.status(ADA) == ("registered", "hold_came_later")
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "bo@mejl-hemma.se", "website": "granlund-bygg.se"})
    operations.register(rig.context, rig.hub, made["id"], who="t", source=Source.APP, key="1")
    rig.settle()
    assert rig.status("bo@mejl-hemma.se") == ("unavailable", "pursued_by_vendor")
