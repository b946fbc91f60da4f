"""What if a whole portal fails, whose business is it, and who gets to see its credentials?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text

from support.delivered import delivered
from support.rig import LEAD, Rig
from support.second_worker import Meanwhile, second_worker
from syncworker.hubspot.answers import error_from
from syncworker.hubspot.events import Event
from syncworker.registration.rules.terms import Source
from syncworker.settings import Settings
from syncworker.store import portals
from syncworker.store.portals import Mode, Portal, WrongHubSpot
from syncworker.store.secrets import PortalCredentials, Secrets, WrongSecretKey
from syncworker.sync import operations, turns
from syncworker.sync.claims import Lane
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.portals.demo import connect_demo_to
from syncworker.sync.portals.failures import Blocked, PortalFailure, block, portal_failure
from syncworker.sync.portals.setup import set_up
from syncworker.sync.reconcile.reconcile import reconcile_kind
from syncworker.sync.resync import resync
from syncworker.sync.triggers import inbox
from syncworker.sync.wake import Bell

STATUS = "partner_registration_status"


def portal(rig: Rig, hub: int | None = None) -> Portal:
    with rig.context.database.transaction() as tx:
        return portals.get(tx, hub or rig.hub)


def asked(rig: Rig, hub: int | None = None) -> str:
    """A complete lead that a person asked to register."""
    made = rig.sandbox.create(hub or rig.hub, "contacts", {**LEAD, "email": "ada@fjordline-tools.se"})
    operations.register(rig.context, hub or rig.hub, made["id"], who="t", source=Source.APP, key=str(hub))
    return str(made["id"])


# --- a whole portal fails ---


@dataclass(frozen=True)
class Trouble:
    """A failure of a whole portal: how it comes, how it goes, its name, and when it is asked again."""

    name: str
    comes: Callable[[Rig], object]
    goes: Callable[[Rig], object]
    after: timedelta


def _settings(**changed: object) -> Callable[[Rig], object]:
    return lambda rig: rig.sandbox.settings(rig.hub, **changed)


def _old_token(rig: Rig) -> object:
    return rig.sandbox.settings(rig.hub, access_token=rig.portals[0]["access_token"])


def _without_property(rig: Rig) -> None:
    path = f"/crm/properties/2026-09/contacts/{STATUS}"
    rig.sandbox.call("DELETE", path, token=rig.portals[0]["access_token"])


def _read_only(rig: Rig) -> object:
    scopes = [scope for scope in rig.portals[0]["scopes"] if scope != "crm.objects.contacts.write"]
    return rig.sandbox.settings(rig.hub, scopes=scopes)


TROUBLES = [
    Trouble("credentials", _settings(access_token="replaced"), _old_token, timedelta(minutes=5)),
    Trouble(
        "scopes", _read_only, lambda rig: rig.sandbox.settings(rig.hub, scopes=rig.portals[0]["scopes"]),
        timedelta(minutes=5),
    ),
    Trouble(
        "properties", _without_property, lambda rig: set_up(rig.context, portal(rig)), timedelta(0),
    ),
    Trouble("daily_quota", _settings(daily_limit=1), _settings(daily_limit=0), timedelta(hours=1)),
]  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_a_failure_of_the_portal_blocks_it_by_name_counts_against_nobody_and_heals_by_itself(
    rig: Rig, trouble: Trouble
) -> None:
    contact_id = asked(rig)
    trouble.comes(rig)
    rig.settle()
    # I expect the state to have a name, and the marks to be as they were
    assert portal(rig).blocked_reason == trouble.name
    assert portal(rig).blocked_detail
    [mark] = [row for row in rig.marks() if row.object_id == contact_id]
    assert (mark.attempts, mark.parked_at, mark.claim_token) == (0, None, None)
    assert not rig.sandbox.record(rig.hub, "contacts", contact_id)["properties"].get("partner_registration_status")
    # When it is over, and it is time to ask again
    trouble.goes(rig)
    rig.clock.time += trouble.after
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


@pytest.mark.parametrize("why", ["blocked", "paused"])
def test_a_portal_that_is_blocked_or_paused_is_not_called_whatever_rings(rig: Rig, why: str) -> None:
    asked(rig)
    if why == "paused":
        set_mode(rig.context, rig.hub, Mode.PAUSED, who="t")
    else:
        until = rig.clock.time + timedelta(minutes=5)
        rig.context.database.run(lambda tx: portals.block(tx, rig.hub, until=until, reason="outage", detail="d"))
    rig.hurry()
    resync.start(rig.context, rig.hub, who="t")
    created = Event(hub_id=rig.hub, kind="contact", event="creation", object_ids=("7",))
    delivered(rig.context.database, [inbox.row([created])])
    inbox.expand(rig.context)
    rig.sandbox.reset_stats()
    turns.interactive_turn(rig.context, rig.hub)
    turns.bulk_turn(rig.context, rig.hub)
    assert rig.sandbox.calls() == {}


def test_one_portals_failure_is_not_anothers(rig: Rig) -> None:
    asked(rig)
    theirs = asked(rig, rig.other_hub)
    rig.sandbox.settings(rig.hub, access_token="replaced")
    rig.settle()
    assert portal(rig).blocked_reason == "credentials"
    assert portal(rig, rig.other_hub).blocked_reason is None
    of = rig.sandbox.record(rig.other_hub, "contacts", theirs)["properties"]
    assert of["partner_registration_status"] == "registered"


def test_a_migration_blocks_for_as_long_as_hubspot_says() -> None:
    failure = portal_failure(error_from(route="GET /", status=477, headers={"retry-after": "7200"}, body=b""))
    assert failure is not None
    assert (failure.reason, failure.wait) == (Blocked.MIGRATION, timedelta(hours=2))


@pytest.mark.parametrize(
    ("status", "reason"),
    [(502, Blocked.OUTAGE), (503, Blocked.OUTAGE), (500, Blocked.OUTAGE), (423, None), (400, None)],
)
def test_an_outage_is_the_portals_and_a_lock_or_a_refusal_the_records(status: int, reason: Blocked | None) -> None:
    failure = portal_failure(error_from(route="GET /", status=status, headers={}, body=b""))
    assert (failure.reason if failure else None) is reason


def test_a_portal_whose_form_cannot_be_read_to_the_bottom_keeps_its_high_water(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=200)
    rig.settle()
    for number in range(60):
        domain = f"firma-{number}.se"
        rig.sandbox.submit(rig.form, rig.hub, **{**LEAD, "website": domain, "email": f"a@{domain}"})
    rig.submit("ada@fjordline-tools.se")
    # When the second page is refused
    with second_worker(
        rig,
        Meanwhile("submissions/forms/{form_id}", lambda: rig.sandbox.settings(rig.hub, access_token="replaced")),
    ) as worker:
        turns.interactive_turn(worker, rig.hub)
    assert rig.requests() == []
    _old_token(rig)
    rig.pass_time(minutes=6)
    rig.hurry()
    rig.settle()
    assert len(rig.requests()) == 61


def test_a_conversion_hurries_the_forms_as_a_creation_does(rig: Rig) -> None:
    rig.settle()
    rig.waker.rings.clear()
    converted = Event(
        hub_id=rig.hub, kind="contact", event="propertyChange", object_ids=("7",),
        property_name="recent_conversion_date",
    )  # fmt: skip
    delivered(rig.context.database, [inbox.row([converted])])
    inbox.expand(rig.context)
    with rig.context.database.transaction() as tx:
        hurried = text("SELECT hurried_at FROM cursors WHERE trigger LIKE 'form:%'")
        assert tx.connection.execute(hurried).scalar_one() is not None
    assert [ring for ring in rig.waker.rings if ring.bell is Bell.SERVE_INTERACTIVE]


# --- credentials ---


@pytest.mark.parametrize(("known", "other"), [("sandbox", "hubspot"), ("hubspot", "sandbox")])
def test_a_database_that_met_one_hubspot_refuses_the_other(rig: Rig, known: str, other: str) -> None:
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE deployment SET hubspot = :known"), {"known": known})
        portals.bind_to(tx, known)
        with pytest.raises(WrongHubSpot, match=f"belongs to the {known}"):
            portals.bind_to(tx, other)


def test_connecting_a_portal_to_the_wrong_database_keeps_nothing(rig: Rig) -> None:
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE deployment SET hubspot = 'hubspot'"))
        portals.remove(tx, rig.hub)
    with pytest.raises(WrongHubSpot):
        connect_demo_to(rig.context, rig.sandbox.base_url)
    with rig.context.database.transaction() as tx:
        assert portals.find(tx, rig.hub) is None


def test_credentials_are_not_readable_in_the_database(rig: Rig) -> None:
    asked(rig)
    rig.sandbox.settings(rig.hub, access_token="replaced")
    rig.settle()
    secrets = [portal[name] for portal in rig.portals for name in ("access_token", "client_secret")]
    with rig.context.database.transaction() as tx:
        tables = tx.connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables.scalars().all():
            rows = tx.connection.execute(text(f"SELECT t::text FROM {table} AS t")).scalars().all()
            assert not [secret for secret in secrets for row in rows if secret in row], table
        sealed = tx.connection.execute(text("SELECT credentials FROM portals LIMIT 1")).scalar_one()
    assert not [secret for secret in secrets if secret.encode() in bytes(sealed)]
    with pytest.raises(WrongSecretKey):
        Secrets("another key, long enough to be one").open(sealed)


def test_no_token_and_no_person_is_in_what_is_logged_or_shown(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = rig.portals[0]["access_token"]
    with structlog.testing.capture_logs() as logged:
        rig.submit("ada@fjordline-tools.se")
        rig.settle()
        rig.sandbox.settings(rig.hub, access_token="replaced")
        asked_again = rig.contact_id("ada@fjordline-tools.se")
        operations.register(rig.context, rig.hub, asked_again, who="t", source=Source.APP, key="again")
        rig.settle()
    told = f"{logged} {caplog.text} {portal(rig)} {rig.settings!r} {rig.context.credentials.load(rig.hub)!r}"
    assert "portal_blocked" in told
    for secret in (token, rig.portals[0]["client_secret"], rig.settings.secret_key.get_secret_value()):  # type: ignore[union-attr] # it is set
        assert secret not in told
    assert "ada@" not in told


def test_settings_show_no_secret() -> None:
    values: dict[str, object] = {
        "hubspot_access_token": "pat-one", "hubspot_client_secret": "pat-two", "api_token": "pat-three",
        "secret_key": "pat-four, and long enough to be one",
    }  # fmt: skip
    shown = repr(Settings(_env_file=None, **values))  # type: ignore[call-arg,arg-type] # pydantic's own argument
    assert "pat-" not in shown


def test_a_portal_with_a_refresh_token_renews_its_token_once_and_keeps_it(rig: Rig) -> None:
    about = rig.portals[0]
    ended = PortalCredentials(
        access_token="ended",
        refresh_token=about["refresh_token"],
        client_id=about["client_id"],
        client_secret=about["client_secret"],
        expires_at=rig.clock.time - timedelta(hours=1),
    )
    rig.context.credentials.renew(rig.hub, lambda _: ended)
    asked(rig)
    with second_worker(rig) as one, second_worker(rig) as two:
        _work(one, rig.hub)
        _work(two, rig.hub)
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    kept = rig.context.credentials.load(rig.hub)
    assert kept.access_token not in {"ended", None}
    assert (kept.refresh_token, kept.client_secret) == (about["refresh_token"], about["client_secret"])
    assert kept.expires_at is not None
    assert kept.expires_at > rig.clock.time
    assert sum(n for key, n in rig.sandbox.calls("POST /oauth").items()) == 1


def _work(worker: Context, hub_id: int) -> None:
    reconcile_kind(worker, hub_id, Kind.CONTACT, Lane.INTERACTIVE)
    # A call of its own, so that this process needs a token too
    worker.client(hub_id).account_info()


def test_what_lasts_is_asked_about_soon_and_then_less_and_less_often(rig: Rig) -> None:
    """So that a renewed token is used about as long after as it was missing, and not minutes later."""
    asked(rig)
    rig.sandbox.settings(rig.hub, token_revoked=True)
    waits = []
    for _ in range(8):
        rig.settle()
        until = portal(rig).blocked_until
        assert until is not None
        waits.append((until - rig.clock.time).total_seconds())
        rig.clock.time = until
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    rig.sandbox.settings(rig.hub, token_revoked=False)
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    assert portal(rig).blocked_until is None or not portal(rig).is_blocked(rig.clock.time)


def test_several_that_fail_at_once_are_one_failure_of_the_portal(rig: Rig) -> None:
    outage = PortalFailure(reason=Blocked.OUTAGE, detail="d", wait=timedelta(seconds=2))
    for _ in range(4):
        rig.context.database.run(lambda tx: block(tx, rig.hub, outage))
    assert portal(rig).blocked_until == rig.clock.time + timedelta(seconds=2)


def test_what_was_connected_before_runs_again_though_its_token_is_refused(rig: Rig) -> None:
    rig.sandbox.settings(rig.hub, token_revoked=True)
    assert connect_demo_to(rig.context, rig.sandbox.base_url) == [rig.hub, rig.other_hub]


@pytest.mark.parametrize("turn", [turns.interactive_turn, turns.bulk_turn])
def test_a_portal_whose_credentials_cannot_be_read_is_blocked_by_whatever_tries_first(
    rig: Rig, turn: Callable[[Context, int], bool]
) -> None:
    right = rig.context.credentials.load(rig.hub)
    seal = text("UPDATE portals SET credentials = :sealed WHERE hub_id = :hub_id")

    def sealed_with(secrets: Secrets) -> None:
        values = {"sealed": secrets.seal(right), "hub_id": rig.hub}
        rig.context.database.run(lambda tx: tx.connection.execute(seal, values))

    # Given a form and polls that are due, and no mark that would be tried first
    rig.submit("ada@fjordline-tools.se")
    sealed_with(Secrets("the key of somebody else, long enough to be one"))
    with second_worker(rig) as worker:
        assert turn(worker, rig.hub) is False
        assert (portal(rig).blocked_reason, portal(rig, rig.other_hub).blocked_reason) == (Blocked.SETTINGS, None)
        # When the key is right again, I expect it to go on by itself
        sealed_with(rig.context.secrets)
        rig.pass_time(minutes=2)
        turns.interactive_turn(worker, rig.hub)
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
