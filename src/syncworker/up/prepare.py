"""What must be so before the workers start?

The database has the newest schema, and the portals are connected: the sandbox's, or the one of the settings.
Runs once, as `python -m syncworker.up.prepare [SANDBOX_URL]`, beside the servers that it waits for.
"""

from __future__ import annotations

import sys
import time

from syncworker.hubspot.errors import HubSpotError
from syncworker.program import ProgramError
from syncworker.program.model import UnknownTierError
from syncworker.settings import SettingsError, load
from syncworker.store import migrate
from syncworker.store.portals import WrongHubSpot
from syncworker.sync.portals.connect import WrongAccount
from syncworker.sync.portals.demo import connect_demo
from syncworker.sync.portals.first_portal import connect_first
from syncworker.up import postgres
from syncworker.up.plan import answers

PATIENCE_SECONDS = 25.0
_CHECK_SECONDS = 0.05


def main(arguments: list[str]) -> int:
    """Prepare; return an exit code, having said on standard error what is wrong."""
    try:
        settings = load()
    except SettingsError as error:
        return _refuse(str(error))
    if settings.database_url is None:
        return _refuse("SYNCWORKER_DATABASE_URL is not set")
    url = settings.database_url
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not postgres.accepts(url):
        if time.monotonic() > deadline:
            return _refuse("the database of SYNCWORKER_DATABASE_URL takes no connections")
        time.sleep(_CHECK_SECONDS)
    migrate.upgrade(url)

    if arguments:
        sandbox_url = arguments[0]
        while not answers(f"{sandbox_url}/_sandbox/portals"):
            if time.monotonic() > deadline:
                return _refuse(f"the sandbox does not answer at {sandbox_url}")
            time.sleep(_CHECK_SECONDS)
        connect_demo(settings, sandbox_url)
        return 0
    try:
        connect_first(settings)
    except (SettingsError, HubSpotError, ProgramError, UnknownTierError, WrongAccount, WrongHubSpot) as error:
        return _refuse(str(error))
    return 0


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
