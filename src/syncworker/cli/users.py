"""Who may sign in to the pages, and as what?"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from syncworker.cli import output
from syncworker.cli.failures import CommandError, ExitCode
from syncworker.cli.options import JsonOption, YesOption, ask
from syncworker.cli.session import opened, who

if TYPE_CHECKING:
    from syncworker.access.users import User

app = typer.Typer(
    no_args_is_help=True,
    help="Let people sign in to the pages.\n\n"
    "A **viewer** sees. A **manager** also registers, deregisters, confirms and imports leads. An **operator** also "
    "sees and does what keeps all of it running: marks, resyncs, pausing, forms, holds, users.",
)


class RoleName(StrEnum):
    """The roles as options: what they may is said where they are checked, which costs an import."""

    VIEWER = "viewer"
    MANAGER = "manager"
    OPERATOR = "operator"


EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The email somebody signs in with.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, instead of asking for it.")
]
PortalsOption = Annotated[
    list[int] | None,
    typer.Option("--portal", metavar="HUB_ID", help="Sees only this portal; may be given again. Else all of them."),
]


@app.command()
def add(
    email: EmailArgument,
    role: Annotated[RoleName, typer.Option("--role", help="What somebody may do.")],
    password_stdin: StdinOption = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="They sign in by `users link` alone.")] = False,
    portal: PortalsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody sign in."""
    from syncworker.access import users
    from syncworker.access.roles import Role
    from syncworker.sync import accounts

    with opened() as context:
        users.clean(email)
        password = None if no_password else _password(stdin=password_stdin)

        user = context.database.run(
            lambda tx: accounts.add(
                tx, email, role=Role(role.value), password=password, portals=portal or None, who=who()
            )
        )
    output.show(
        _document(user), as_json=as_json, people=lambda: output.say(f"{user.email} may sign in as {user.role}.")
    )


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List who may sign in."""
    from syncworker.access import users

    with opened() as context, context.database.transaction() as tx:
        found = users.everyone(tx)
    rows = [
        (
            user.email,
            user.role,
            "all" if user.every_portal else ", ".join(map(str, user.portals)) or "none",
            "password" if user.has_password else "link",
            user.added_at,
            user.added_by,
            user.signed_in_at,
        )
        for user in found
    ]
    columns = ("email", "role", "portals", "signs in by", "added at", "by", "last signed in at")
    empty = "Nobody may sign in yet: run `syncworker users add EMAIL --role operator`."
    output.show(
        {"items": [_document(user) for user in found]},
        as_json=as_json,
        people=lambda: output.table("", columns, rows, empty=empty),
    )


@app.command("set")
def set_(
    email: EmailArgument,
    role: Annotated[RoleName | None, typer.Option("--role", help="What somebody may do from now on.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    password_stdin: StdinOption = False,
    portal: PortalsOption = None,
    every_portal: Annotated[bool, typer.Option("--every-portal", help="Sees all portals from now on.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Change somebody's role, password or portals; they are signed out everywhere."""
    from syncworker.access.roles import Role
    from syncworker.sync import accounts

    if not (role or password or password_stdin or portal or every_portal):
        raise CommandError("say what to change: --role, --password, --portal or --every-portal", code=ExitCode.USAGE)
    if portal and every_portal:
        raise CommandError("--portal or --every-portal, not both", code=ExitCode.USAGE)
    with opened() as context:
        new = _password(stdin=password_stdin) if password or password_stdin else None

        user = context.database.run(
            lambda tx: accounts.change(
                tx,
                email,
                role=Role(role.value) if role else None,
                password=new,
                portals=portal or None,
                every_portal=every_portal,
                who=who(),
            )
        )
    output.show(
        _document(user),
        as_json=as_json,
        people=lambda: output.say(f"{user.email} is {user.role}, and has to sign in again."),
    )


@app.command()
def link(email: EmailArgument, as_json: JsonOption = False) -> None:
    """Print a link that signs somebody in once, within an hour: for whoever has forgotten their password."""
    from syncworker.access import links
    from syncworker.sync import accounts

    token = links.made_up()
    with opened() as context:
        context.database.run(lambda tx: accounts.make_link(tx, email, token, who=who()))
        address = links.address(context.settings.pages_url, token)
    output.show({"link": address}, as_json=as_json, people=lambda: output.say(address))


@app.command()
def remove(email: EmailArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Let somebody sign in no more; they are signed out everywhere."""
    from syncworker.access import users
    from syncworker.sync import accounts

    with opened() as context:
        with context.database.transaction() as tx:
            user = users.get(tx, email)
        ask(f"Remove {user.email}, who is {user.role}?", yes=yes)
        context.database.run(lambda tx: accounts.remove(tx, email, who=who()))
    output.show({"removed": user.email}, as_json=as_json, people=lambda: output.say(f"{user.email} is removed."))


def _password(*, stdin: bool) -> str:
    from syncworker.access import passwords

    if stdin:
        # The line's end is the shell's, not the password's.
        given = sys.stdin.readline(passwords.MOST_CHARACTERS + 2).rstrip("\r\n")
    else:
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    passwords.check(given)
    return given


def _document(user: User) -> dict[str, object]:
    return {
        "email": user.email,
        "role": user.role,
        "portals": None if user.every_portal else list(user.portals),
        "has_password": user.has_password,
        "added_at": user.added_at,
        "added_by": user.added_by,
        "signed_in_at": user.signed_in_at,
    }
