"""Which portals are connected, and how does one come, change and go?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import JsonOption, YesOption, ask
from syncworker.cli.session import meant, opened, who

if TYPE_CHECKING:
    from syncworker.settings import Settings
    from syncworker.store.portals import Portal
    from syncworker.store.secrets import PortalCredentials

app = typer.Typer(
    no_args_is_help=True,
    help="Connect HubSpot accounts, switch their mode, let them go.\n\n"
    "A portal is named by its hub id. In mode **observe** the worker decides and shows what it "
    "would do, and registers and writes nothing; in **write** it does it; in **paused** it "
    "leaves the portal alone.",
)

HubArgument = Annotated[int, typer.Argument(metavar="HUB_ID", help="The portal's hub id.")]
OptionalHub = Annotated[
    int | None, typer.Argument(metavar="[HUB_ID]", help="The portal; implied where only one is connected.")
]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the connected portals with their partner, mode, and what keeps them from being worked on."""
    from syncworker.store import portals

    with opened() as context, context.database.transaction() as tx:
        connected = portals.everyone(tx)
        now = tx.now
    rows = [
        (p.hub_id, p.name, p.mode, p.partner.name, p.partner.tier, p.partner.capacity,
         f"{p.blocked_reason}: {p.blocked_detail}" if p.is_blocked(now) else "")
        for p in connected
    ]  # fmt: skip
    output.show(
        {"items": [{**_fields(p), "blocked": p.is_blocked(now)} for p in connected]},
        as_json=as_json,
        people=lambda: output.table(
            "",
            ("hub id", "name", "mode", "partner", "tier", "own capacity", "blocked by"),
            rows,
            empty="No portal is connected: run `syncworker portals add`, or `syncworker up` for the sandbox.",
        ),
    )


@app.command()
def add(
    hub_id: Annotated[int | None, typer.Option("--hub-id", help="Refuse the token of any other account.")] = None,
    name: Annotated[str, typer.Option(help="What people call the portal.")] = "",
    partner: Annotated[
        str | None,
        typer.Option(help="Who registers leads there; portals of one partner share all. Else: own."),
    ] = None,
    program: Annotated[str | None, typer.Option(help="The rules it plays by, of config/programs.")] = None,
    tier: Annotated[str | None, typer.Option(help="The partner's tier; else SYNCWORKER_PARTNER_TIER.")] = None,
    capacity: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Overrides the tier's capacity.")] = None,
    company_id: Annotated[str | None, typer.Option(help="The partner's own company record there.")] = None,
    app_id: Annotated[str | None, typer.Option(help="The HubSpot app that the token is of.")] = None,
    form: Annotated[
        list[str] | None, typer.Option("--form", help="A form that registers leads from now on; repeatable.")
    ] = None,
    own_domain: Annotated[
        list[str] | None, typer.Option("--own-domain", help="A domain nobody may register; repeatable.")
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the access token from a line of standard input.")
    ] = False,
    client_secret_stdin: Annotated[
        bool, typer.Option("--client-secret-stdin", help="Read the client secret from the next line.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Connect a portal in mode observe, or bring a connected one to these values (its mode stays).

    The token comes from SYNCWORKER_HUBSPOT_ACCESS_TOKEN, from standard input, or is asked for unseen; never
    from the command line, where other users of the machine could read it. The client secret is what
    webhooks are checked with: without one, all of them are refused.
    """
    from dataclasses import replace

    from syncworker.sync.portals.connect import connect
    from syncworker.sync.portals.first_portal import as_known

    with opened() as context:
        settings = context.settings
        from_stdin = token_stdin or client_secret_stdin
        credentials = _credentials(settings, token_stdin=token_stdin, secret_stdin=client_secret_stdin)
        # The rest of the settings describes the portal of the settings' token, and no other.
        by_settings = not from_stdin and settings.hubspot_access_token is not None
        described = as_known(context, credentials, partner_name=partner, by_settings=by_settings)
        new = replace(
            described,
            hub_id=hub_id or described.hub_id,
            name=name or described.name,
            program=program or described.program,
            tier=tier or described.tier,
            capacity=described.capacity if capacity is None else capacity,
            partner_company_id=company_id or described.partner_company_id,
            app_id=app_id or described.app_id,
            own_domains=tuple(own_domain or described.own_domains),
            auto_register_forms=tuple(form or described.auto_register_forms),
        )
        portal = connect(context, new, who=who())

    def people() -> None:
        output.say(f"Portal {portal.hub_id} ({portal.name}) is connected, in mode {portal.mode}.", style="green")
        if not new.credentials.client_secret:
            output.say("It has no client secret: its webhooks are refused, and changes are found by polling.")
        output.say(f"Next: syncworker setup --portal {portal.hub_id}, then syncworker doctor.")

    output.show(_fields(portal), as_json=as_json, people=people)


@app.command()
def check(hub_id: OptionalHub = None, as_json: JsonOption = False) -> None:
    """Ask HubSpot whose the token is, and try each permission with a call that changes nothing."""
    from syncworker.cli.setting_up import show_findings
    from syncworker.sync.doctor import check_access

    with opened() as context:
        portal = meant(context, hub_id)
        found = check_access(context, portal)
    ok = all(finding.ok for finding in found)
    output.show(
        {"ok": ok, "hub_id": portal.hub_id, "findings": found},
        as_json=as_json,
        people=lambda: show_findings(found),
    )
    raise typer.Exit(ExitCode.OK if ok else ExitCode.LOOK)


@app.command()
def mode(
    hub_id: HubArgument,
    to: Annotated[
        Literal["observe", "write", "paused"],
        typer.Argument(metavar="MODE", help="observe, write or paused."),
    ],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Switch a portal between observe, write and paused. Asks before write: from then on leads register."""
    from syncworker.registration.rules.terms import Source
    from syncworker.store.portals import Mode
    from syncworker.sync.lists.lists import requests_
    from syncworker.sync.portals import pausing
    from syncworker.sync.portals.connect import set_mode

    wanted = Mode(to)
    with opened() as context:
        portal = meant(context, hub_id)
        if wanted is Mode.WRITE and portal.mode is not Mode.WRITE:
            with context.database.transaction() as tx:
                page = requests_(tx, hub_id, state="processing", limit=200)
            many = f"{len(page.items)}{' or more' if page.next else ''}"
            ask(
                f"In mode write, portal {hub_id} ({portal.name}) gets its records written: {many} open "
                "requests are decided at once, and whatever comes in registers leads. Switch it?",
                yes=yes,
            )
        if wanted is Mode.PAUSED:
            pausing.pause(context, hub_id, who=who(), source=Source.APP)
        else:
            set_mode(context, hub_id, wanted, who=who())
    output.show(
        {"hub_id": hub_id, "mode": wanted, "before": portal.mode},
        as_json=as_json,
        people=lambda: output.say(f"Portal {hub_id} is in mode {wanted} (it was {portal.mode}).", style="green"),
    )


@app.command()
def remove(hub_id: HubArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Forget a portal with its credentials, requests and marks. Registrations and their history stay."""
    from syncworker.sync.portals import steering

    with opened() as context:
        portal = meant(context, hub_id)
        ask(
            f"Forget portal {hub_id} ({portal.name}): its credentials, its open requests and waiting "
            "places, its forms? Registrations and history stay; what the CRM shows stays as it is.",
            yes=yes,
        )
        steering.forget(context, hub_id, who=who())
    output.show(
        {"hub_id": hub_id, "removed": True},
        as_json=as_json,
        people=lambda: output.say(f"Portal {hub_id} is forgotten."),
    )


@app.command()
def unblock(hub_id: HubArgument, as_json: JsonOption = False) -> None:
    """Let a blocked portal be worked on again now, once what blocked it is mended."""
    from syncworker.sync.portals import steering

    with opened() as context:
        portal = steering.unblock(context, hub_id, who=who())
    output.show(
        {"hub_id": hub_id, "was_blocked_by": portal.blocked_reason},
        as_json=as_json,
        people=lambda: output.say(
            f"Portal {hub_id} is worked on again (it was blocked by {portal.blocked_reason})."
            if portal.blocked_reason
            else f"Portal {hub_id} was not blocked."
        ),
    )


def _credentials(settings: Settings, *, token_stdin: bool, secret_stdin: bool) -> PortalCredentials:
    from syncworker.store.secrets import PortalCredentials

    token, secret = settings.hubspot_access_token, settings.hubspot_client_secret
    if token_stdin or (token is None and secret_stdin):
        given = _line("the access token")
        return PortalCredentials(access_token=given, client_secret=_line("the client secret") if secret_stdin else None)
    if token is not None:
        known = secret.get_secret_value() if secret else None
        return PortalCredentials(
            access_token=token.get_secret_value(),
            client_secret=_line("the client secret") if secret_stdin else known,
        )
    asked = typer.prompt("Access token (unseen)", hide_input=True, err=True)
    asked_secret = typer.prompt(
        "Client secret (unseen; empty: webhooks are refused)",
        hide_input=True,
        default="",
        show_default=False,
        err=True,
    )
    return PortalCredentials(access_token=asked.strip(), client_secret=asked_secret.strip() or None)


def _line(what: str) -> str:
    line = sys.stdin.readline().strip()
    if not line:
        raise CommandError(f"standard input has no line with {what}", code=ExitCode.USAGE)
    return line


def _fields(portal: Portal) -> dict[str, object]:
    return {
        "hub_id": portal.hub_id,
        "name": portal.name,
        "mode": portal.mode,
        "partner": portal.partner.name,
        "program": portal.partner.program,
        "tier": portal.partner.tier,
        "capacity": portal.partner.capacity,
        "time_zone": portal.time_zone,
        "app_id": portal.app_id,
        "partner_company_id": portal.partner_company_id,
        "connected_at": portal.connected_at,
        "blocked_until": portal.blocked_until,
        "blocked_reason": portal.blocked_reason,
        "blocked_detail": portal.blocked_detail,
        "pause": portal.pause,
        "restored_from": portal.restored_from,
    }
