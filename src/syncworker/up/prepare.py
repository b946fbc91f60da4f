"""What must be so before the workers start?

The database has the newest schema, the portals are connected: the sandbox's, or the one of the settings; and as long
as nobody has a password, there is a link that signs the first person in.
Runs once, as `python -m syncworker.up.prepare [SANDBOX_URL]`, beside the servers that it waits for.
"""

from __future__ import annotations

import sys
import time

from syncworker.access import links
from syncworker.hubspot.errors import HubSpotError
from syncworker.program import ProgramError
from syncworker.program.model import UnknownTierError
from syncworker.settings import Settings, SettingsError, load
from syncworker.store import migrate
from syncworker.store.database import Database
from syncworker.store.portals import WrongHubSpot
from syncworker.sync.portals.connect import WrongAccount
from syncworker.sync.portals.demo import connect_demo
from syncworker.sync.portals.first_portal import connect_first
from syncworker.up import postgres
from syncworker.up.data_folder import SIGN_IN, leave
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
        _let_first_person_in(settings, url)
        return 0
    try:
        connect_first(settings)
    except (SettingsError, HubSpotError, ProgramError, UnknownTierError, WrongAccount, WrongHubSpot) as error:
        return _refuse(str(error))
    _let_first_person_in(settings, url)
    return 0


def _let_first_person_in(settings: Settings, database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    token = links.made_up()
    try:
        if database.run(lambda tx: links.make_for_first(tx, token)):
            # Read, and removed, by whoever shows where everything is.
            leave(settings.data_dir, SIGN_IN, links.address(f"http://127.0.0.1:{settings.port}", token))
    finally:
        database.close()


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
