"""Connecting a portal: whose token it is, what renews it, and what is never mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support.rig import SECRET_KEY, Rig
from support.sandbox_server import SandboxServer
from syncworker.hubspot.errors import FixCredentials
from syncworker.settings import Settings, SettingsError
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.sync.context import Context
from syncworker.sync.portals.connect import NewPortal, WrongAccount, connect
from syncworker.sync.portals.first_portal import connect_first
from syncworker.sync.reconcile.leads import read_contacts


def settings(sandbox: SandboxServer, database_url: str, redis_url: str, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_key": SECRET_KEY,
        "hubspot_base_url": sandbox.base_url,
        **more,
    }
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def test_a_portal_with_a_refresh_token_alone_is_connected_and_its_token_renewed(
    sandbox: SandboxServer, database_url: str, redis_url: str
) -> None:
    of = sandbox.portals()[0]
    of_settings = settings(
        sandbox,
        database_url,
        redis_url,
        hubspot_refresh_token=of["refresh_token"],
        hubspot_client_id=of["client_id"],
        hubspot_client_secret=of["client_secret"],
        hubspot_portal_id=of["hub_id"],
    )
    portal = connect_first(of_settings)
    assert portal is not None
    assert (portal.hub_id, portal.mode) == (of["hub_id"], Mode.OBSERVE)
    context = Context(of_settings)
    try:
        # Given that the token that came first has long ended
        stored = context.credentials.load(portal.hub_id)
        assert stored.expires_at is not None
        made = sandbox.create(portal.hub_id, "contacts", {"email": "ada@fjordline-tools.se"})
        context.credentials.renew(portal.hub_id, lambda current: _ended(current))
        # I expect a call to renew it and to succeed
        read = read_contacts(context.client(portal.hub_id), context.names, [made["id"]])
        assert list(read.contacts) == [made["id"]]
        assert context.credentials.load(portal.hub_id).expires_at != _ended(stored).expires_at
        # and a second start to know the portal
        again = connect_first(of_settings)
        assert again is not None
        assert again.hub_id == portal.hub_id
    finally:
        context.close()


def _ended(credentials: Any) -> Any:
    from dataclasses import replace
    from datetime import UTC, datetime

    return replace(credentials, access_token="ended", expires_at=datetime(2020, 1, 1, tzinfo=UTC))


def test_a_refresh_token_names_what_it_lacks(sandbox: SandboxServer, database_url: str, redis_url: str) -> None:
    with pytest.raises(SettingsError) as error:
        connect_first(settings(sandbox, database_url, redis_url, hubspot_refresh_token="r"))
    assert len(error.value.problems) == 3


def test_a_token_of_another_account_is_refused(sandbox: SandboxServer, database_url: str, redis_url: str) -> None:
    first, second = sandbox.portals()
    with pytest.raises(WrongAccount):
        connect_first(
            settings(
                sandbox,
                database_url,
                redis_url,
                hubspot_access_token=first["access_token"],
                hubspot_portal_id=second["hub_id"],
            )
        )


def test_a_company_that_becomes_the_partners_own_shows_tier_and_capacity_soon(rig: Rig) -> None:
    own = rig.sandbox.create(rig.hub, "companies", {"name": "We", "domain": "vi-partnern.se"})
    with rig.context.database.transaction() as tx:
        before = portals.get(tx, rig.hub)
    new = NewPortal(
        partner_name=before.partner.name,
        credentials=rig.context.credentials.load(rig.hub),
        tier=before.partner.tier,
        capacity=7,
        hub_id=rig.hub,
        mode=before.mode,
    )
    connect(rig.context, new)
    rig.settle()
    connect(rig.context, replace(new, partner_company_id=own["id"]))
    rig.settle()
    shown = rig.sandbox.record(rig.hub, "companies", own["id"])["properties"]
    assert (shown["partner_tier"], shown["partner_capacity_limit"]) == (before.partner.tier, "7")


def test_a_replaced_token_is_taken_up_without_a_restart(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    # When the token is replaced in HubSpot and here, under a worker that runs
    rig.sandbox.settings(rig.hub, access_token="pat-new")
    rig.context.credentials.renew(rig.hub, lambda current: _with_token(current, "pat-new"))
    rig.submit("bo@granlund-bygg.se", website="granlund-bygg.se")
    rig.settle()
    assert rig.status("bo@granlund-bygg.se") == ("registered", None)


def _with_token(credentials: Any, token: str) -> Any:
    from dataclasses import replace

    return replace(credentials, access_token=token)


def test_a_start_with_a_revoked_token_goes_on_with_what_is_connected_and_recovers(
    sandbox: SandboxServer, database_url: str, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    of = sandbox.portals()[0]
    of_settings = settings(sandbox, database_url, redis_url, hubspot_access_token=of["access_token"])
    # Given a token that is revoked, a first connection is refused
    sandbox.settings(of["hub_id"], token_revoked=True)
    with pytest.raises(FixCredentials):
        connect_first(of_settings)
    sandbox.settings(of["hub_id"], token_revoked=False)
    connect_first(of_settings)
    # I expect a later start, of a portal that is connected, to say so and to go on
    sandbox.settings(of["hub_id"], token_revoked=True)
    capsys.readouterr()
    assert connect_first(of_settings) is None
    assert "portal_not_checked" in capsys.readouterr().out
    # and what was started then to work as soon as the token does
    context = Context(of_settings)
    try:
        made = sandbox.create(of["hub_id"], "contacts", {"email": "ada@fjordline-tools.se"})
        with pytest.raises(FixCredentials):
            read_contacts(context.client(of["hub_id"]), context.names, [made["id"]])
        sandbox.settings(of["hub_id"], token_revoked=False)
        assert list(read_contacts(context.client(of["hub_id"]), context.names, [made["id"]]).contacts) == [made["id"]]
    finally:
        context.close()
