"""What does `syncworker up` keep between its runs, and who else may use the folder meanwhile?

DATA_DIR/up.lock      held while an `up` runs here; the kernel lets go of it, however the process ends
DATA_DIR/up.env       the addresses of what runs, for the other commands; only there while it runs
DATA_DIR/secret_key   made once: it decrypts the credentials in the database
DATA_DIR/api_token    made once: the bearer token of the operator API
DATA_DIR/sign_in      the link of the first person, from when it was made until it is shown
DATA_DIR/postgres, valkey, sandbox, and their logs
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from syncworker.settings import UP_ENV_FILE

SIGN_IN = "sign_in"
_LOG_BYTES = 10_000_000


class AlreadyRunningError(Exception):
    """Another `syncworker up` uses the folder; `pid` is its process, where it is known."""

    def __init__(self, folder: Path, pid: str) -> None:
        self.folder = folder
        self.pid = pid
        which = f" (process {pid})" if pid else ""
        super().__init__(
            f"another `syncworker up`{which} runs in {folder}: stop it, or set SYNCWORKER_DATA_DIR to another folder"
        )


class NoDataFolderError(Exception):
    """The folder cannot be made, or written to."""

    def __init__(self, folder: Path, why: str) -> None:
        self.folder = folder
        super().__init__(
            f"{folder} cannot hold the data ({why}): set SYNCWORKER_DATA_DIR to a folder that can be written"
        )


class DataFolder:
    """The folder, locked. Made by `locked`."""

    def __init__(self, path: Path) -> None:
        """`path` exists and is locked."""
        self.path = path
        self.env_file = path / UP_ENV_FILE

    def kept_secret(self, name: str) -> str:
        """Return the secret `name`, made on first use, readable by us only."""
        path = self.path / name
        if not path.exists():
            # Whole or not at all: half a key would lock the credentials away.
            unfinished = path.with_suffix(".new")
            _write_private(unfinished, secrets.token_urlsafe(32))
            unfinished.rename(path)
        return path.read_text().strip()

    def publish(self, values: Mapping[str, str]) -> None:
        """Leave `values` for the other commands."""
        unfinished = self.env_file.with_suffix(".new")
        _write_private(unfinished, "".join(f"{name}={_quoted(value)}\n" for name, value in values.items()))
        unfinished.rename(self.env_file)

    def withdraw(self) -> bool:
        """Take back what was left for the other commands; whether there was something."""
        was_there = self.env_file.exists()
        self.env_file.unlink(missing_ok=True)
        return was_there

    def take(self, name: str) -> str | None:
        """What was left under this name, which is then gone; None if nothing was."""
        path = self.path / name
        text = path.read_text() if path.exists() else None
        path.unlink(missing_ok=True)
        return text

    def log(self, name: str) -> Path:
        """Return the log of the process `name`; one that has grown large is put aside first."""
        path = self.path / f"{name}.log"
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.rename(path.with_suffix(".log.old"))
        return path


@contextmanager
def locked(path: Path) -> Iterator[DataFolder]:
    """Make the folder if it is missing, and have it alone. Raises AlreadyRunningError, NoDataFolderError."""
    path = path.absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise NoDataFolderError(path, error.strerror or type(error).__name__) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(path, os.read(descriptor, 32).decode().strip()) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        folder = DataFolder(path)
        try:
            yield folder
        finally:
            folder.withdraw()
            os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def leave(folder: Path, name: str, text: str) -> None:
    """Leave `text` for whoever takes it, readable by us only."""
    _write_private(folder / name, text)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
