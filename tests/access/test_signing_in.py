"""Who gets in by a password or a link, who does not, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache

import pytest
from sqlalchemy import update

from support.ledger import SECRET_KEY, LedgerRig
from syncworker.access import attempts, links, passwords, sessions, signing_in, users
from syncworker.access.attempts import (
    MOST_BY_ADDRESS,
    MOST_BY_EMAIL,
    MOST_BY_EMAIL_FROM_ANYWHERE,
    TooManyAttempts,
)
from syncworker.access.passwords import WeakPassword
from syncworker.access.roles import Role
from syncworker.access.sessions import Session
from syncworker.access.signing_in import LinkOver, WrongCredentials
from syncworker.access.users import BadEmail, UnknownUser, User, UserExists
from syncworker.store.access_tables import users as users_table
from syncworker.store.database import Tx
from syncworker.store.secrets import Secrets

PASSWORD = "four words of some length"
SECRETS = Secrets(SECRET_KEY)
HERE = "192.0.2.1"


@pytest.fixture
def rig(database_url: str) -> Iterator[LedgerRig]:
    made = LedgerRig(database_url)
    yield made
    made.close()


@pytest.fixture
def anna(rig: LedgerRig) -> User:
    def add(tx: Tx) -> User:
        user = users.add(tx, "Anna@Acme.se ", role=Role.MANAGER, password=None, who="me")
        tx.connection.execute(update(users_table).values(password_hash=hashed_once()))
        return user

    return rig.database.run(add)


@lru_cache(maxsize=1)
def hashed_once() -> str:
    """Hashing takes longer than most of these tests."""
    return passwords.hashed(PASSWORD)


def sign_in(rig: LedgerRig, email: str = "anna@acme.se", password: str = PASSWORD, address: str = HERE) -> Session:
    return signing_in.by_password(rig.database, SECRETS, email=email, password=password, address=address)


def still(rig: LedgerRig, session: Session) -> Session | None:
    with rig.database.transaction() as tx:
        return sessions.of_id(tx, session.id)


def test_a_session_lasts_a_week_and_ends_when_signed_out(rig: LedgerRig, anna: User) -> None:
    first, second = sign_in(rig), sign_in(rig, " ANNA@acme.se")
    found = still(rig, first)
    assert found is not None
    assert (found.user.email, found.user.role) == ("anna@acme.se", Role.MANAGER)
    assert found.user.signed_in_at == rig.clock.time
    rig.database.run(lambda tx: sessions.end(tx, first.id))
    assert (still(rig, first), still(rig, second)) == (None, second)
    rig.clock.time += sessions.LASTS
    assert still(rig, second) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda tx: users.change(tx, "anna@acme.se", role=Role.VIEWER),
        lambda tx: users.change(tx, "anna@acme.se", password="another four words"),
        lambda tx: users.change(tx, "anna@acme.se", portals=[]),
        lambda tx: users.remove(tx, "anna@acme.se"),
    ],
)
def test_who_is_changed_or_removed_is_signed_out(rig: LedgerRig, anna: User, change: object) -> None:
    session = rig.database.run(lambda tx: sessions.begin(tx, anna))
    assert callable(change)
    rig.database.run(change)
    assert still(rig, session) is None


def test_neither_a_wrong_password_nor_an_unknown_email_gets_in_and_both_are_told_the_same(
    rig: LedgerRig, anna: User
) -> None:
    told = set()
    for email, password in (("anna@acme.se", "\ud800"), ("nobody@acme.se", PASSWORD), ("\ud800\x00", "")):
        with pytest.raises(WrongCredentials) as refused:
            sign_in(rig, email, password)
        told.add(str(refused.value))
    assert len(told) == 1


def test_an_account_without_a_password_is_opened_by_no_password(rig: LedgerRig) -> None:
    rig.database.run(lambda tx: users.add(tx, "bo@acme.se", role=Role.VIEWER, password=None, who="me"))
    with pytest.raises(WrongCredentials):
        sign_in(rig, "bo@acme.se", "nobody's password")


@pytest.mark.parametrize("email", ["anna@acme.se", "nobody@acme.se"])
def test_after_ten_attempts_for_an_email_even_the_right_password_waits(rig: LedgerRig, anna: User, email: str) -> None:
    for _ in range(MOST_BY_EMAIL):
        count(rig, email)
    with pytest.raises(TooManyAttempts, match="try again in 15 minutes"):
        sign_in(rig, email)
    rig.clock.time += attempts.WITHIN
    if email == anna.email:
        assert sign_in(rig, email).user.email == email


def test_who_tries_from_elsewhere_locks_nobody_out_before_there_are_many_of_them(rig: LedgerRig, anna: User) -> None:
    for _ in range(MOST_BY_EMAIL):
        assert count(rig, anna.email, "192.0.2.200") is None
    assert count(rig, anna.email, "192.0.2.200") is not None
    assert sign_in(rig).user.email == anna.email
    # Her signing in is no new chance for them
    assert count(rig, anna.email, "192.0.2.200") is not None
    for number in range(MOST_BY_EMAIL_FROM_ANYWHERE):
        assert count(rig, anna.email, f"198.51.100.{number}") is None
    with pytest.raises(TooManyAttempts):
        sign_in(rig)


def test_signing_in_forgets_what_was_tried_before(rig: LedgerRig, anna: User) -> None:
    for _ in range(MOST_BY_EMAIL - 1):
        assert count(rig, anna.email) is None
    sign_in(rig)
    for _ in range(MOST_BY_EMAIL):
        assert count(rig, anna.email) is None


def test_an_address_may_try_only_so_many_emails_and_all_of_an_ipv6_network_is_one(rig: LedgerRig) -> None:
    for number in range(MOST_BY_ADDRESS):
        assert count(rig, f"{number}@acme.se", f"2001:db8::{number + 1:x}") is None
    assert count(rig, "one.more@acme.se", "2001:db8::ffff") is not None
    assert count(rig, "one.more@acme.se", "2001:db8:1::1") is None
    # I expect the flood to leave no row for each email it goes on trying
    with rig.database.transaction() as tx:
        kept = tx.connection.exec_driver_sql("SELECT count(*) FROM sign_in_attempts").scalar_one()
    assert kept < 2 * MOST_BY_ADDRESS + 5


def test_what_is_kept_opens_nothing_and_names_nobody_who_tried(rig: LedgerRig, anna: User) -> None:
    session = sign_in(rig)
    count(rig, "nobody@acme.se")
    token = links.made_up()
    rig.database.run(lambda tx: links.make(tx, anna, token))
    with rig.database.transaction() as tx:
        kept = [
            str(row)
            for table in ("users", "sessions", "sign_in_links", "sign_in_attempts")
            for row in tx.connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]
    for secret in (session.id, token, PASSWORD, "nobody@acme.se", HERE):
        assert not any(secret in row for row in kept), secret
    assert any("$argon2id$" in row for row in kept)


def test_a_link_signs_in_once_and_within_an_hour(rig: LedgerRig, anna: User) -> None:
    first, second = links.made_up(), links.made_up()
    rig.database.run(lambda tx: links.make(tx, anna, first))
    rig.database.run(lambda tx: links.make(tx, anna, second))
    assert by_link(rig, first).user.email == anna.email
    for token in (first, "made up"):
        with pytest.raises(LinkOver):
            by_link(rig, token)
    rig.clock.time += links.LASTS
    with pytest.raises(LinkOver):
        by_link(rig, second)


def test_links_are_guessed_only_so_often(rig: LedgerRig) -> None:
    for _ in range(MOST_BY_EMAIL):
        with pytest.raises(LinkOver):
            by_link(rig, "guessed")
    with pytest.raises(TooManyAttempts):
        by_link(rig, "guessed")


def test_the_first_person_gets_a_link_at_each_start_until_somebody_has_a_password(rig: LedgerRig) -> None:
    for _ in range(2):
        token = links.made_up()
        assert rig.database.run(lambda tx, token=token: links.make_for_first(tx, token))
        assert by_link(rig, token).user.role is Role.OPERATOR
    rig.database.run(lambda tx: users.add(tx, "anna@acme.se", role=Role.OPERATOR, password=PASSWORD, who="me"))
    assert not rig.database.run(lambda tx: links.make_for_first(tx, links.made_up()))


def test_accounts_have_an_email_once_and_a_password_of_some_length(rig: LedgerRig, anna: User) -> None:
    def add(email: str, password: str | None = None) -> None:
        rig.database.run(lambda tx: users.add(tx, email, role=Role.VIEWER, password=password, who="me"))

    with pytest.raises(UserExists):
        add("ANNA@ACME.SE")
    for email in ("", "anna", "a b@c.se", "@", "a@b\x00", "a" * 250 + "@b.se"):
        with pytest.raises(BadEmail):
            add(email)
    for password in ("", "short", " " * 20, "x" * 1001):
        with pytest.raises(WeakPassword):
            passwords.check(password)
    with pytest.raises(UnknownUser):
        rig.database.run(lambda tx: users.remove(tx, "nobody@acme.se"))


def test_who_is_limited_to_a_portal_that_goes_sees_none_and_never_all(rig: LedgerRig) -> None:
    rig.portal(1)
    rig.portal(2)
    bo = rig.database.run(
        lambda tx: users.add(tx, "bo@acme.se", role=Role.VIEWER, password=None, who="me", portals=[1])
    )
    assert (bo.sees(1), bo.sees(2)) == (True, False)

    def gone(tx: Tx) -> User:
        tx.connection.exec_driver_sql("DELETE FROM portals WHERE hub_id = 1")
        return users.get(tx, "bo@acme.se")

    after = rig.database.run(gone)
    assert (after.sees(1), after.sees(2)) == (False, False)


def test_each_role_may_what_the_one_before_it_may() -> None:
    assert [role.includes(Role.MANAGER) for role in Role] == [False, True, True]


def test_a_form_token_belongs_to_its_session() -> None:
    tokens = {sessions.form_token(key, session) for key in (b"1", b"2") for session in ("a", "b")}
    assert len(tokens) == 4


def count(rig: LedgerRig, email: str, address: str = HERE) -> TooManyAttempts | None:
    return rig.database.run(lambda tx: attempts.count(tx, SECRETS, email=email, address=address))


def by_link(rig: LedgerRig, token: str) -> Session:
    return signing_in.by_link(rig.database, SECRETS, token=token, address=HERE)


def test_half_an_hour_of_attempts_is_not_one_stretch(rig: LedgerRig) -> None:
    for _ in range(3 * MOST_BY_EMAIL):
        assert count(rig, "anna@acme.se") is None
        rig.clock.time += timedelta(minutes=2)
