"""Are people told of what they want to be told of, once each, and does it get there?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from support.mail_server import MailServer
from support.rig import Rig
from syncworker.access import users
from syncworker.access.roles import NotAllowed, Role
from syncworker.languages import language
from syncworker.registration.rules.terms import HoldKind
from syncworker.store import notice_tables
from syncworker.sync import marks, operations
from syncworker.sync.lists.notice_list import notice_lines
from syncworker.sync.notices import delivering, words
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.levels import next_level
from syncworker.sync.notices.switches import NotYours, switch, switches
from syncworker.sync.wake import Bell

EVA = "eva@us.example"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


MakeRig = Callable[..., Rig]


def account(rig: Rig, email: str = EVA, *, role: Role = Role.OPERATOR, language: str | None = None) -> None:
    def add(tx: object) -> None:
        user = users.add(tx, email, role=role, password=None, who="t")  # type: ignore[arg-type] # a Tx
        if language:
            users.speaks(tx, user.id, language)  # type: ignore[arg-type] # a Tx

    rig.context.database.run(add)


def told_of(rig: Rig, *kinds: NoticeKind, email: str = EVA, channel: Channel = Channel.EMAIL) -> None:
    rig.context.database.run(lambda tx: switch(tx, rig.hub, email, kinds, channel=channel, on=True, who="t"))


def after(rig: Rig, **delta: float) -> None:
    """Let time pass, and look and send as the workers would."""
    rig.pass_time(**(delta or {"minutes": 2}))
    while delivering.tell(rig.context):
        pass


def subjects(mail: MailServer) -> list[str]:
    return [str(one["Subject"]).partition(": ")[2] for one in mail.mails]


def submit(rig: Rig, *domains: str) -> None:
    for domain in domains:
        rig.submit(f"ada@{domain}", website=domain)
    rig.settle()


def test_a_crossing_of_the_capacity_is_told_once_and_again_only_after_it_fell(
    make_rig: MakeRig, mail: MailServer
) -> None:
    rig = make_rig(**mail.settings, partner_capacity=10, undo_seconds=0)
    account(rig)
    told_of(rig, NoticeKind.CAPACITY)
    submit(rig, *(f"firma-{n}-ab.se" for n in range(8)))
    after(rig)
    assert mail.mails == []
    submit(rig, "firma-8-ab.se")
    after(rig)
    after(rig)
    assert subjects(mail) == ["90% of the capacity are used"]
    submit(rig, "firma-9-ab.se", "firma-10-ab.se")
    after(rig)
    assert subjects(mail)[1:] == ["the capacity is used up"]
    assert "10 of 10 registrations are used." in mail.mails[1].get_content()
    assert "1 domain waits for a free slot." in mail.mails[1].get_content()
    assert f"/capacity?portal={rig.hub}" in mail.mails[1].get_content()
    assert mail.mails[1]["To"] == EVA


def test_levels_hold_until_well_below() -> None:
    held = [(0, 89, 0), (0, 90, 90), (0, 100, 100), (90, 86, 90), (90, 84, 0), (100, 96, 100), (100, 94, 90)]
    assert [(told, used, next_level(told, used, 100)) for told, used, _ in held] == held
    assert next_level(0, 0, 0) == 0
    assert next_level(0, 1, 1) == 100


def test_a_flood_of_refusals_is_one_notice_with_a_number_and_the_next_comes_later(
    make_rig: MakeRig, mail: MailServer
) -> None:
    rig = make_rig(**mail.settings)
    account(rig)
    told_of(rig, NoticeKind.REFUSED)
    domains = [f"firma-{n}-ab.se" for n in range(25)]
    for domain in [*domains, "late-ab.se"]:
        operations.add_hold(rig.context, domain, HoldKind.EXISTING_CUSTOMER, who="t")
    submit(rig, *domains)
    after(rig)
    assert subjects(mail) == ["25 leads could not be registered"]
    body = mail.mails[0].get_content()
    assert "firma-3-ab.se: unavailable, an existing customer" in body
    assert "and 5 more" in body
    assert "ada@" not in body
    submit(rig, "late-ab.se")
    after(rig)
    assert len(mail.mails) == 1
    after(rig, minutes=15)
    assert subjects(mail)[1:] == ["1 lead could not be registered"]


def test_nothing_is_kept_to_tell_where_nobody_wants_to_be_told(rig: Rig) -> None:
    operations.add_hold(rig.context, "fjordline-tools.se", HoldKind.EXISTING_CUSTOMER, who="t")
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    with rig.context.database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM untold")).scalar_one() == 0


def test_an_end_is_told_thirty_fourteen_and_seven_days_before_each_once(make_rig: MakeRig, mail: MailServer) -> None:
    rig = make_rig(**mail.settings)
    account(rig)
    told_of(rig, NoticeKind.EXPIRING)
    submit(rig, "fjordline-tools.se", "renewing-ab.se")
    operations.set_renewal(rig.context, rig.hub, "renewing-ab.se", renew=True, who="t")
    # From here on it is noon in UTC: summer time's end moves no look to another day of the portal.
    after(rig, days=330, hours=(12 - rig.clock.time.hour) % 24)
    assert mail.mails == []
    told = []
    for _ in range(35):
        after(rig, days=1)
        told += [(subjects(mail)[-1], rig.clock.time)] if len(mail.mails) > len(told) else []
    assert [subject for subject, _ in told] == [f"1 registration expires within {days} days" for days in (30, 14, 7)]
    gaps = [second[1] - first[1] for first, second in pairwise(told)]
    assert gaps == [timedelta(days=16), timedelta(days=7)]
    assert "fjordline-tools.se: last valid day" in mail.mails[0].get_content()


def test_a_hand_edit_a_parked_mark_and_dead_credentials_are_told(make_rig: MakeRig, mail: MailServer) -> None:
    rig = make_rig(**mail.settings)
    account(rig)
    told_of(rig, NoticeKind.HAND_EDITS, NoticeKind.PARKED, NoticeKind.BLOCKED)
    submit(rig, "fjordline-tools.se")
    contact = rig.contact_id("ada@fjordline-tools.se")
    rig.sandbox.edit(rig.hub, "contacts", contact, {"partner_registration_status": "pending"})
    rig.context.database.run(
        lambda tx: marks.mark(
            tx, rig.hub, marks.Kind.CONTACT, [contact], priority=marks.Priority.PERSON, cause="a test"
        )
    )
    rig.settle()
    with rig.context.database.transaction() as tx:
        blocked = "blocked_until = '9999-01-01', blocked_reason = 'credentials', failures = 3"
        tx.connection.execute(text(f"UPDATE portals SET {blocked} WHERE hub_id = :hub"), {"hub": rig.hub})
    after(rig)
    after(rig)
    assert sorted(subjects(mail)) == [
        "a registration property of 1 record was edited by hand, and set back",
        "the portal stands still until somebody acts",
    ]
    park(rig, "77")
    after(rig)
    assert subjects(mail)[2:] == ["1 record waits for a person"]
    assert "contact 77: a mistake in this program" in mail.mails[2].get_content()


def park(rig: Rig, contact_id: str) -> None:
    from syncworker.sync import claims
    from syncworker.sync.claims import Lane

    def work(tx: object) -> None:
        marks.mark(tx, rig.hub, marks.Kind.CONTACT, [contact_id], priority=marks.Priority.PERSON, cause="t")  # type: ignore[arg-type] # a Tx
        taken = claims.claim(tx, rig.hub, marks.Kind.CONTACT, lane=Lane.INTERACTIVE)  # type: ignore[arg-type] # a Tx
        claims.fail(tx, taken, dict.fromkeys(taken.marks, "KeyError: x"), park=True)  # type: ignore[arg-type] # a Tx

    rig.context.database.run(work)


def test_the_digest_comes_once_a_day_from_its_hour_on_in_the_portals_time_zone(
    make_rig: MakeRig, mail: MailServer
) -> None:
    rig = make_rig(**mail.settings, notice_digest_hour=0)
    account(rig)
    submit(rig, "fjordline-tools.se")
    told_of(rig, NoticeKind.DIGEST)
    after(rig)
    after(rig, hours=1)
    assert subjects(mail)[:1] == ["the last day, and how it stands"]
    first = mail.mails[0].get_content()
    assert "1 lead was registered." in first
    for _ in range(5):
        after(rig, hours=24)
    assert len(mail.mails) in {6, 7}  # one more where midnight came within the first hour
    assert "Nothing was registered, refused or ended." in mail.mails[-1].get_content()


def test_what_is_not_sent_is_tried_again_under_the_same_id_and_parked_with_the_reason(
    make_rig: MakeRig, mail: MailServer
) -> None:
    rig = make_rig(**mail.settings, partner_capacity=1)
    account(rig)
    told_of(rig, NoticeKind.CAPACITY)
    mail.answer_to["RCPT"] = "450 later"
    submit(rig, "fjordline-tools.se")
    [mark] = [mark for mark in rig.marks() if mark.kind == "notice"]
    assert (mark.attempts, mark.parked_at) == (1, None)
    assert mark.last_error == "notice not sent: the mail server refuses the address: 450 later"
    mail.answer_to["RCPT"] = "550 unknown"
    after(rig)
    [mark] = [mark for mark in rig.marks() if mark.kind == "notice"]
    assert mark.parked_at is not None
    with rig.context.database.transaction() as tx:
        [line] = notice_lines(tx, rig.hub)
    assert (line.state, line.email, line.why) == ("parked", EVA, mark.last_error)
    # A person mends it, and tries again
    mail.answer_to.clear()
    rig.context.database.run(lambda tx: marks.retry(tx, rig.hub))
    after(rig)
    assert subjects(mail) == ["the capacity is used up"]
    assert [mark for mark in rig.marks() if mark.kind == "notice"] == []
    with rig.context.database.transaction() as tx:
        assert [line.state for line in notice_lines(tx, rig.hub)] == ["sent"]


def test_after_a_killed_worker_a_mail_is_sent_again_under_the_same_id(make_rig: MakeRig, mail: MailServer) -> None:
    rig = make_rig(**mail.settings, partner_capacity=1)
    account(rig)
    told_of(rig, NoticeKind.CAPACITY)
    submit(rig, "fjordline-tools.se")
    after(rig)
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE deliveries SET sent_at = NULL"))
        ids = [str(one) for one in tx.connection.execute(text("SELECT id FROM deliveries")).scalars()]
        marks.mark(tx, rig.hub, marks.Kind.NOTICE, ids, priority=marks.Priority.PERSON, cause="a test")
    after(rig)
    first, second = mail.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert str(first["Message-ID"]).endswith("@us.example>")


def test_a_mail_server_that_is_away_is_asked_once_for_all(make_rig: MakeRig) -> None:
    with MailServer() as mail:
        rig = make_rig(**mail.settings, partner_capacity=1)
    for name in ("eva", "bo", "cy"):
        account(rig, f"{name}@us.example")
        told_of(rig, NoticeKind.CAPACITY, email=f"{name}@us.example")
    submit(rig, "fjordline-tools.se")
    waiting = [mark for mark in rig.marks() if mark.kind == "notice"]
    assert {mark.last_error for mark in waiting} == {
        "notice not sent: the mail server does not answer: ConnectionRefusedError"
    }
    assert [mark.attempts for mark in waiting] == [1, 1, 1]


def test_somebody_is_told_only_of_what_they_may_see(rig: Rig) -> None:
    account(rig, role=Role.MANAGER)
    with pytest.raises(NotAllowed):
        told_of(rig, NoticeKind.PARKED)
    rig.context.database.run(lambda tx: users.change(tx, EVA, portals=[rig.other_hub]))
    with pytest.raises(NotYours):
        told_of(rig, NoticeKind.CAPACITY)
    rig.context.database.run(lambda tx: users.change(tx, EVA, every_portal=True))
    told_of(rig, NoticeKind.CAPACITY)
    rig.context.database.run(lambda tx: users.change(tx, EVA, portals=[rig.other_hub]))
    with rig.context.database.transaction() as tx:
        from syncworker.sync.notices.switches import wanting

        assert wanting(tx, rig.hub, NoticeKind.CAPACITY) == []
        assert [one.email for one in switches(tx, rig.hub)] == [EVA]
        query = (
            "SELECT why, persons.name FROM history JOIN persons ON persons.id = person_id WHERE event LIKE 'notices%'"
        )
        [told] = tx.connection.execute(text(query)).all()
    assert (told.why.partition(" by ")[2], told.name, EVA in told.why) == ("email: capacity", "t", False)


def test_whoever_is_erased_is_told_no_more_and_nothing_of_them_is_left(make_rig: MakeRig, mail: MailServer) -> None:
    from syncworker.sync.privacy import erasing

    rig = make_rig(**mail.settings, partner_capacity=1)
    account(rig)
    told_of(rig, NoticeKind.CAPACITY)
    mail.answer_to["RCPT"] = f"450 no {EVA}"
    submit(rig, "fjordline-tools.se")
    assert [mark for mark in rig.marks() if mark.kind == "notice"]
    erasing.erase(rig.context, email=EVA)
    mail.answer_to.clear()
    after(rig)
    assert mail.mails == []
    assert [mark for mark in rig.marks() if mark.kind == "notice"] == []


def test_two_workers_at_once_tell_once(make_rig: MakeRig, mail: MailServer) -> None:
    rig = make_rig(**mail.settings, partner_capacity=1)
    for name in ("eva", "bo", "cy", "di"):
        account(rig, f"{name}@us.example")
        told_of(rig, NoticeKind.CAPACITY, email=f"{name}@us.example")
    mail.answer_to["RCPT"] = "450 later"
    submit(rig, "fjordline-tools.se")
    mail.answer_to.clear()
    rig.pass_time(minutes=2)
    with ThreadPoolExecutor(4) as workers:
        assert list(workers.map(delivering.tell, [rig.context] * 4)) == [False] * 4
    assert sorted(str(one["To"]) for one in mail.mails) == [f"{name}@us.example" for name in ("bo", "cy", "di", "eva")]
    assert [mark for mark in rig.marks() if mark.kind == "notice"] == []


def test_what_was_found_is_sent_where_the_program_says_nothing_of_a_capacity(
    make_rig: MakeRig, mail: MailServer
) -> None:
    rig = make_rig(**mail.settings, notice_digest_hour=0)
    account(rig)
    told_of(rig, NoticeKind.DIGEST)
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE partners SET tier = 'unheard of'"))
    after(rig)
    assert "registrations are used" not in mail.mails[0].get_content()


FACTS: dict[NoticeKind, dict[str, object]] = {
    NoticeKind.DIGEST: {"registered": 1, "refused": 2, "used": 9, "limit": 10, "waiting": 1, "parked": 1, "expiring": 3,
                        "confirming": 1, "mode": "paused", "blocked": "brake"},
    NoticeKind.CAPACITY: {"percent": 90, "used": 9, "limit": 10, "waiting": 0},
    NoticeKind.EXPIRING: {"days": 14, "count": 1, "items": [{"domain": "x-ab.se", "expires_on": "2027-04-02"}]},
    NoticeKind.REFUSED: {"count": 1, "items": [{"contact_id": "7", "status": "invalid_data", "reason": "bad_website"}]},
    NoticeKind.HAND_EDITS: {"count": 2, "items": [{"company_id": "8"}, {"domain": "x-ab.se"}]},
    NoticeKind.BLOCKED: {"reason": "credentials"},
    NoticeKind.PARKED: {"count": 1, "items": [{"kind": "company", "id": "8", "section": "refused"}]},
    NoticeKind.TEST: {},
}  # fmt: skip


@pytest.mark.parametrize("kind", NoticeKind)
def test_each_notice_is_in_the_readers_language(kind: NoticeKind) -> None:
    english, swedish = (
        words.message(kind, FACTS[kind], hub_id=4711, portal="Acme", language=language(code)) for code in ("en", "sv")
    )
    assert english.subject != swedish.subject
    assert english.path == swedish.path
    assert english.path.endswith("?portal=4711")
    assert len(english.lines) == len(swedish.lines)
    same = set(english.lines) & set(swedish.lines)
    assert same <= {"", "x-ab.se"}, "not translated"


def test_a_reader_of_swedish_gets_it_in_swedish(make_rig: MakeRig, mail: MailServer) -> None:
    rig = make_rig(**mail.settings, partner_capacity=1)
    account(rig, language="sv")
    told_of(rig, NoticeKind.CAPACITY)
    submit(rig, "fjordline-tools.se")
    assert subjects(mail) == ["kapaciteten är slut"]
    assert "1 av 1 registreringar är använd." in mail.mails[0].get_content()


def test_each_bell_has_an_actor() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in Path("src/actors").glob("*.py"))
    assert [bell for bell in Bell if f"def {bell.value}(" not in source] == []


def test_a_notice_keeps_nothing_of_a_person(make_rig: MakeRig, mail: MailServer) -> None:
    rig = make_rig(**mail.settings)
    account(rig)
    told_of(rig, NoticeKind.REFUSED, NoticeKind.HAND_EDITS)
    rig.submit("adalinde@mejl-hemma.se", firstname="Adalinde", lastname="Bergfalk", website="adalinde@gmail.com")
    rig.settle()
    after(rig)
    assert subjects(mail) == ["1 lead could not be registered"]
    assert "contact" in mail.mails[0].get_content()
    with rig.context.database.transaction() as tx:
        for table in (notice_tables.notices, notice_tables.deliveries, notice_tables.untold):
            kept = str(tx.connection.execute(table.select()).all()).lower()
            assert "adalinde" not in kept
            assert "bergfalk" not in kept
    assert "dalinde" not in mail.mails[0].as_string()
