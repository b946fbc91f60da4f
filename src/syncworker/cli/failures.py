"""What does the reader see, and which exit code does a script get, when a command cannot do what it was told?

One line on standard error that says what to do, never a traceback of something expected. What is not listed
here is a bug of ours, and shows itself as one.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Any

from typer import Abort

# Typer carries its own click, and exports the family of its usage errors nowhere else.
from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer.core import TyperGroup

from syncworker.cli.output import clean


class ExitCode(IntEnum):
    """What an exit code means; the help lists them."""

    OK = 0
    LOOK = 1
    """Done, and there is something for a person to look at."""
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5


EXIT_CODES = (
    "**Exit codes**  0 done · 1 done, with something to look at (problems, conflicts, a lead that "
    "was not registered) · 2 wrong usage or settings · 3 not found · 4 refused (too late, running already, "
    "answered no) · 5 HubSpot, the database or Redis cannot be reached, or refuses us"
)


DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a disk answers to writing, and no server to anything else that is done meanwhile."""


class CommandError(Exception):
    """A command cannot go on; `str()` says in one line what to do."""

    def __init__(self, message: str, *, code: ExitCode) -> None:
        self.code = code
        super().__init__(message)


class Commands(TyperGroup):
    """The group of all commands: the one place where what goes wrong becomes a line and an exit code."""

    def main(self, *args: Any, **options: Any) -> Any:  # the signature is click's
        """Run, and end the process with the exit code."""
        options["standalone_mode"] = False
        if sys.stdout is None:
            # Closed by whoever started us: what is said is heard by nobody, and the work is done.
            _hush()
        try:
            code = super().main(*args, **options)
            # Else what could not be written would come to light after the exit code is chosen.
            sys.stdout.flush()
        except NoArgsIsHelpError as error:
            error.show(file=sys.stderr)
            sys.exit(ExitCode.USAGE)
        except ClickException as error:
            _end([error.format_message()], ExitCode.USAGE)
        except Abort:
            _end(["nobody answered, and nothing was done: answer, or add --yes"], ExitCode.REFUSED)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            try:
                sys.stdout.flush()
            except OSError:
                # Or else it would be tried once more at the end, and complained of.
                _hush()
            message = f"what is to be written cannot be: {error.strerror}; make room, or choose another place"
            _end([message], ExitCode.USAGE)
        # Only evaluated, and its modules only imported, once something went wrong.
        except known_errors() as error:
            _end(*_told(error))
        sys.exit(code if isinstance(code, int) else ExitCode.OK)


def known_errors() -> tuple[type[Exception], ...]:
    """The errors that a user can do something about."""
    return tuple(kind for kinds in _kinds().values() for kind in kinds)


def _kinds() -> dict[ExitCode, tuple[type[Exception], ...]]:
    import psycopg
    import redis
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    from syncworker.access.passwords import WeakPassword
    from syncworker.access.roles import NotAllowed
    from syncworker.access.users import BadEmail, UnknownUser, UserExists
    from syncworker.hubspot.errors import Gone, HubSpotError
    from syncworker.hubspot.rate_limit import RateLimited
    from syncworker.program import MissingConfigError, NoCapacityError, ProgramError, UnknownTierError
    from syncworker.registration.ledger.holds import NotHeld
    from syncworker.registration.ledger.line_places import NotWaiting
    from syncworker.registration.ledger.registrations import NothingToUndo, NotRegistered, TooLateToUndo
    from syncworker.registration.ledger.requests import NotOpen
    from syncworker.settings import SettingsError
    from syncworker.store.backup import BadBackup, NotEmpty, NotWritten, OldSchema, OtherKey
    from syncworker.store.portals import UnknownPortal, WrongHubSpot
    from syncworker.store.secrets import WrongSecretKey
    from syncworker.sync.jobs.job import NotToUndo, TooManyDomains, UnknownJob
    from syncworker.sync.jobs.lead_file import NothingToAskAgain
    from syncworker.sync.jobs.matching import MoreMatch
    from syncworker.sync.lists.finding import NotFound
    from syncworker.sync.lists.form_list import FormsAlike, NoSuchForm
    from syncworker.sync.lists.lists import UnknownFilter, UnknownRequest
    from syncworker.sync.lists.page_cursor import BadCursor
    from syncworker.sync.notices.switches import BadWebhookUrl, NoTaskForThat, NotYours
    from syncworker.sync.operations import NothingToConfirm
    from syncworker.sync.portals.connect import WrongAccount
    from syncworker.sync.portals.pausing import NotRebuilt
    from syncworker.sync.portals.steering import Braked
    from syncworker.sync.portals.takeover import BadFile
    from syncworker.sync.privacy.erasing import NotAnEmail
    from syncworker.sync.recovery.rebuild import NotRead, NotStill
    from syncworker.sync.resync.resync import NotYet, ResyncOver, ResyncRuns, TooLongAgo, UnknownResync
    from syncworker.sync.triggers.changed import SearchContradictsItself
    from syncworker.sync.waiting import NotExchanged

    return {
        ExitCode.USAGE: (
            SettingsError,
            BadFile,
            BadBackup,
            NotWritten,
            OldSchema,
            OtherKey,
            ProgramError,
            MissingConfigError,
            UnknownTierError,
            NoCapacityError,
            WrongHubSpot,
            WrongSecretKey,
            UnknownFilter,
            BadCursor,
            NotAnEmail,
            BadEmail,
            WeakPassword,
            BadWebhookUrl,
            NoTaskForThat,
            TooManyDomains,
            TooLongAgo,
            NotYet,
            UnicodeEncodeError,
        ),
        ExitCode.NOT_FOUND: (
            UnknownPortal,
            UnknownUser,
            NotFound,
            NoSuchForm,
            FormsAlike,
            NotHeld,
            NotRegistered,
            UnknownRequest,
            UnknownResync,
            UnknownJob,
            Gone,
        ),
        ExitCode.REFUSED: (
            TooLateToUndo,
            NothingToUndo,
            NotToUndo,
            NothingToAskAgain,
            NotYours,
            ResyncRuns,
            ResyncOver,
            WrongAccount,
            NotOpen,
            NotWaiting,
            NotExchanged,
            MoreMatch,
            NothingToConfirm,
            NotRebuilt,
            Braked,
            NotEmpty,
            NotStill,
            UserExists,
            NotAllowed,
        ),
        ExitCode.UNREACHABLE: (
            HubSpotError,
            SearchContradictsItself,
            NotRead,
            RateLimited,
            DBAPIError,
            PoolTimeout,
            psycopg.OperationalError,
            redis.RedisError,
        ),
        ExitCode.LOOK: (CommandError,),  # carries its own
    }


def _told(error: Exception) -> tuple[list[str], ExitCode]:
    import psycopg
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    from syncworker.hubspot.errors import HubSpotError
    from syncworker.settings import SettingsError
    from syncworker.sync.triggers.changed import SearchContradictsItself

    if isinstance(error, CommandError):
        return [str(error)], error.code
    if isinstance(error, SettingsError):
        return error.problems, ExitCode.USAGE
    if isinstance(error, UnicodeEncodeError):
        return ["an argument, or what it names, is not UTF-8: write it anew"], ExitCode.USAGE
    if isinstance(getattr(error, "orig", None), psycopg.errors.NumericValueOutOfRange):
        return ["a number is too large: nothing here has one of more than 19 digits"], ExitCode.USAGE
    if isinstance(error, DBAPIError | PoolTimeout | psycopg.OperationalError):
        return [database_trouble(error)], ExitCode.UNREACHABLE
    code = next(code for code, kinds in _kinds().items() if isinstance(error, kinds))
    return [error.told if isinstance(error, HubSpotError | SearchContradictsItself) else str(error)], code


def database_trouble(error: Exception) -> str:
    """What is wrong with the database, in one line, without the statement and without the password."""
    cause = getattr(error, "orig", None) or error
    if type(cause).__name__ in {"UndefinedTable", "UndefinedColumn"}:
        return "the database has no schema, or an older one: run `syncworker migrate`"
    said = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    return f"the database does not answer ({said}): check SYNCWORKER_DATABASE_URL, or run `syncworker up`"


def _hush() -> None:
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def _end(lines: Iterable[str], code: ExitCode) -> None:
    for line in lines:
        sys.stderr.write(f"syncworker: {clean(line, most=1000)}\n")
    sys.exit(code)
