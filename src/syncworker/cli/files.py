"""How is a file written that a person named?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from syncworker.cli.failures import CommandError, ExitCode


def open_to_write(path: Path) -> TextIO:
    """The file, opened before anything is done for it. Raises CommandError where it cannot be."""
    try:
        return path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}; choose another place"
        raise CommandError(message, code=ExitCode.USAGE) from error


@contextmanager
def opened_to_write(path: Path) -> Iterator[TextIO]:
    """The same, closed at the end; `-` is standard output, which stays open."""
    if str(path) == "-":
        yield sys.stdout
        return
    with open_to_write(path) as file:
        yield file
