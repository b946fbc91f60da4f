"""What does a command work with: settings, database, the portal that is meant, and in whose name?"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncworker.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from syncworker.store.portals import Portal
    from syncworker.sync.context import Context


@contextmanager
def opened() -> Iterator[Context]:
    """The settings and all connections, closed at the end. Raises SettingsError with every problem."""
    from syncworker.settings import load
    from syncworker.sync.context import Context

    # A command is one thread: more connections would only be taken from the workers.
    context = Context(load(), pool_size=2)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def portal_opened(hub_id: int | None) -> Iterator[tuple[Context, Portal]]:
    """The same, with the portal that is meant; raises UnknownPortal, CommandError where none is implied."""
    with opened() as context:
        yield context, meant(context, hub_id)


def meant(context: Context, hub_id: int | None) -> Portal:
    """The portal of that hub id, or the only one; raises UnknownPortal, CommandError."""
    from syncworker.store import portals

    with context.database.transaction() as tx:
        if hub_id is not None:
            return portals.get(tx, hub_id)
        connected = portals.everyone(tx)
    if not connected:
        message = "no portal is connected: run `syncworker portals add`, or `syncworker up` for the sandbox"
        raise CommandError(message, code=ExitCode.NOT_FOUND)
    if len(connected) > 1:
        listed = ", ".join(f"{portal.hub_id} ({portal.name})" for portal in connected)
        raise CommandError(f"say which portal with --portal: {listed}", code=ExitCode.USAGE)
    return connected[0]


def domain_meant(context: Context, text: str) -> str:
    """The registrable domain of what was typed; raises CommandError."""
    from syncworker.registration.rules.domains import registrable

    found = registrable(text, context.domain_rules)
    if not isinstance(found, str):
        raise CommandError(f"that is no domain that can be registered: {found.sentence}", code=ExitCode.USAGE)
    return found


def who() -> str:
    """In whose name the history records what is done here."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # In a container a user id need not have a name.
        return f"cli:uid {os.getuid()}"
