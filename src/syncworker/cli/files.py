"""How is a file written that a person named?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from syncworker.cli.failures import DISK_FULL, CommandError, ExitCode

BY_EXCEL = "utf-8-sig"
"""With the byte order mark by which Excel knows UTF-8."""


@contextmanager
def file_to_write(path: Path, *, encoding: str = "utf-8") -> Iterator[TextIO]:
    """The file, opened before anything is done for it. Raises CommandError where it cannot be, or the disk is full."""
    try:
        file = path.open("w", newline="", encoding=encoding)
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        with file:
            yield file
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise _not_written(path, error) from error


@contextmanager
def opened_to_write(path: Path, *, encoding: str = "utf-8") -> Iterator[TextIO]:
    """The same; `-` is standard output, which stays open, and as it is."""
    if str(path) == "-":
        yield sys.stdout
        return
    with file_to_write(path, encoding=encoding) as file:
        yield file


def _not_written(path: Path, error: OSError) -> CommandError:
    message = f"{path} cannot be written: {error.strerror or error}; choose another place"
    return CommandError(message, code=ExitCode.USAGE)
