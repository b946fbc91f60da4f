"""How do the lines of many processes come out in one terminal, without anybody waiting for it?

A terminal that is not read (a pager, a full pipe) would stop whoever writes to it. So one thread writes,
behind a queue with a bound; lines that do not fit are counted and dropped, and everything else goes on.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from io import StringIO

from rich.console import Console, RenderableType
from rich.text import Text

_WAITING_LINES = 10_000
_LONGEST_LINE = 64 * 1024
_COLUMNS_OF_NO_TERMINAL = 200
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_black")


class Terminal:
    """Our standard output. Close it, so that what waits is written."""

    def __init__(self, *, descriptor: int = 1, width: int = 9) -> None:
        """`width` is that of the column with the names."""
        self._descriptor = descriptor
        self._colours = os.isatty(descriptor)
        self._width = width
        self._of_name: dict[str, str] = {}
        self._queue: queue.Queue[bytes | None] = queue.Queue(_WAITING_LINES)
        self._dropped = 0
        # A daemon: a writer that hangs in a full pipe must not keep us from ending.
        self._writer = threading.Thread(target=self._write, name="terminal", daemon=True)
        self._writer.start()

    def line(self, name: str, text: str) -> None:
        """Show one line of the process `name`."""
        colour = self._of_name.setdefault(name, _COLOURS[len(self._of_name) % len(_COLOURS)])
        if self._colours:
            self.show(Text.assemble((f"{name:<{self._width}} │ ", colour), Text.from_ansi(text)))
        else:
            self._put(f"{name:<{self._width}} | {text}\n".encode())

    def show(self, thing: RenderableType) -> None:
        """Show a text, a panel or a table."""
        page = StringIO()
        console = Console(file=page, force_terminal=self._colours, width=self._columns())
        console.print(thing, soft_wrap=isinstance(thing, Text))
        self._put(page.getvalue().encode())

    def close(self, *, seconds: float = 0.5) -> None:
        """Write what waits, for as long as `seconds`."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return
        self._writer.join(seconds)

    def _columns(self) -> int:
        known = os.get_terminal_size(self._descriptor).columns if self._colours else 0
        return known or _COLUMNS_OF_NO_TERMINAL  # a terminal may not know its size either

    def _put(self, data: bytes) -> None:
        try:
            if self._dropped:
                self._queue.put_nowait(f"... {self._dropped} lines were not shown\n".encode())
                self._dropped = 0
            self._queue.put_nowait(data)
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while (data := self._queue.get()) is not None:
            try:
                # Not through sys.stdout, whose lock a hanging writer would keep from the interpreter's end.
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                return  # nobody reads any more (a closed pipe, a closed terminal); the processes go on


class Lines:
    """Cuts what a process writes into lines."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Take `data`, return the lines that are complete; one without end is cut at 64 KiB."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        return [line.rstrip(b"\r").decode(errors="replace") for line in lines]

    def last(self) -> list[str]:
        """Return what came without an end of line."""
        return self.feed(b"\n") if self._rest else []


def complain(problem: Exception) -> None:
    """Say on standard error, in one line, why there is no start."""
    sys.stderr.write(f"syncworker up: {problem}\n")
