"""Who is told of what, by which way, and did it get there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import JsonOption, LimitOption, PortalOption
from syncworker.cli.session import opened, portal_opened, who

if TYPE_CHECKING:
    from syncworker.sync.notices.kinds import Channel

app = typer.Typer(
    no_args_is_help=True,
    help="Let people be told: by **email**, by **webhook**, or as a **task** in HubSpot for a contact's owner.\n\n"
    "Nobody is told of anything before it is switched on. A person is an account: see **users**.",
)

KindArgument = Annotated[
    Literal["all", "digest", "capacity", "expiring", "refused", "hand_edits", "blocked", "parked"],
    typer.Argument(
        metavar="KIND",
        help="digest (daily), capacity (90 and 100 %), expiring (in 30, 14, 7 days), refused (leads), hand_edits "
        "(overwritten), blocked (the portal stands still: credentials and the like), parked (marks), or all.",
    ),
]
EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's account.")]
ByOption = Annotated[Literal["email", "webhook", "task"], typer.Option("--by", help="By which way.")]


@app.command("list")
def list_(portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """List who is told of what."""
    from syncworker.sync.notices.switches import switches

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        found = switches(tx, chosen.hub_id)
    told: dict[tuple[str, str], list[str]] = {}
    for one in sorted(found, key=lambda one: (one.email, one.channel)):
        told.setdefault((one.email, one.channel.value), []).append(one.kind.value)
    rows = [(email, channel, ", ".join(kinds)) for (email, channel), kinds in told.items()]
    empty = "Nobody is told of anything: syncworker notices switch EMAIL all on"
    output.show(
        {"hub_id": chosen.hub_id, "items": found},
        as_json=as_json,
        people=lambda: output.table(f"Notices of portal {chosen.hub_id}", ("who", "by", "of"), rows, empty=empty),
    )


@app.command()
def switch(
    email: EmailArgument,
    kind: KindArgument,
    on: Annotated[Literal["on", "off"], typer.Argument(metavar="on|off")],
    by: ByOption = "email",
    portal: PortalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a person of something, or no more. `all`: of all that the person's role may see."""
    from syncworker.access import users
    from syncworker.sync.notices import switches
    from syncworker.sync.notices.kinds import SWITCHABLE, Channel, NoticeKind

    channel = Channel(by)
    with portal_opened(portal) as (context, chosen):
        with context.database.transaction() as tx:
            user = users.get(tx, email)
        possible = switches.possible(user, channel) if on == "on" else list(SWITCHABLE)
        kinds = possible if kind == "all" else [NoticeKind(kind)]
        changed = context.database.run(
            lambda tx: switches.switch(tx, chosen.hub_id, user.email, kinds, channel=channel, on=on == "on", who=who())
        )
        missing = _missing(context.settings.smtp_host, channel) if on == "on" else None
    document = {"hub_id": chosen.hub_id, "email": user.email, "kinds": kinds, "by": channel, "on": on == "on"}
    said = f"{user.email} is {'told' if on == 'on' else 'not told any more'} of {', '.join(kinds)} by {channel}."
    output.show({**document, "changed": changed}, as_json=as_json, people=lambda: output.say(said))
    if missing:
        output.note(missing)


def _missing(smtp_host: str | None, channel: Channel) -> str | None:
    if channel == "email" and smtp_host is None:
        return "no mail is sent before SYNCWORKER_SMTP_HOST and SYNCWORKER_MAIL_FROM are set"
    return None


@app.command()
def webhook(
    email: EmailArgument,
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="Where to; without it, nowhere any more.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Set where a person's notices are posted to, and show the secret that signs them, this once."""
    from syncworker.sync.notices.switches import set_webhook

    with opened() as context:
        secret = context.database.run(lambda tx: set_webhook(tx, context.secrets, email, url, who=who()))
    rows = {"posted to": url, "signed with": secret}
    output.show({"email": email, "url": url, "secret": secret}, as_json=as_json, people=lambda: output.facts(rows))


@app.command("test")
def try_(
    email: EmailArgument, by: ByOption = "email", portal: PortalOption = None, as_json: JsonOption = False
) -> None:
    """Send a person a test notice now, by email or webhook, and say whether it got there."""
    from syncworker.sync.notices.kinds import Channel
    from syncworker.sync.notices.testing import send_test

    with portal_opened(portal) as (context, chosen):
        failed = send_test(context, chosen.hub_id, email, channel=Channel(by))
    document = {"hub_id": chosen.hub_id, "email": email, "by": by, "sent": failed is None, "why": failed}
    if failed is not None and not as_json:
        raise CommandError(failed, code=ExitCode.UNREACHABLE)
    output.show(document, as_json=as_json, people=lambda: output.say(f"A test notice was sent to {email} by {by}."))
    if failed is not None:
        raise typer.Exit(ExitCode.UNREACHABLE)


@app.command()
def sent(limit: LimitOption = 50, portal: PortalOption = None, as_json: JsonOption = False) -> None:
    """List the newest notices, to whom, and what became of each."""
    from syncworker.sync.lists.notice_list import notice_lines

    with portal_opened(portal) as (context, chosen), context.database.transaction() as tx:
        found = notice_lines(tx, chosen.hub_id, limit=limit)
    rows = [(one.at, one.kind, one.channel, one.email or one.contact_id, one.state, one.why) for one in found]
    output.show(
        {"hub_id": chosen.hub_id, "items": found},
        as_json=as_json,
        people=lambda: output.table(
            "", ("at", "of", "by", "to", "state", "why"), rows, empty="There were no notices yet."
        ),
    )
