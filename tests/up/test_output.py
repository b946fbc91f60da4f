"""The lines of many processes come out in one terminal, and nobody waits for it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from rich.panel import Panel

from syncworker.up.output import Lines, Terminal


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ours, theirs = os.pipe()
    yield ours, theirs
    for end in (ours, theirs):
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it itself


def test_each_line_has_its_name(pipe: tuple[int, int]) -> None:
    terminal = Terminal(descriptor=pipe[1])
    terminal.line("web", "started on [::]")
    terminal.line("scheduler", '{"event": "tick"}')
    terminal.show(Panel.fit("all runs"))
    terminal.close()
    lines = os.read(pipe[0], 4096).decode().splitlines()
    assert lines[:2] == ["web       | started on [::]", 'scheduler | {"event": "tick"}']
    assert "all runs" in lines[3]


def test_a_terminal_shows_names_in_colour() -> None:
    ours, theirs = os.openpty()
    terminal = Terminal(descriptor=theirs)
    terminal.line("web", "plain [bold]text[/bold] and \x1b[31mred\x1b[0m")
    terminal.close()
    os.set_blocking(ours, False)
    shown = os.read(ours, 4096).decode()
    os.close(theirs)
    os.close(ours)
    assert "\x1b[36mweb" in shown
    assert "[bold]text[/bold]" in shown, "what a process writes is no markup"
    assert "\x1b[31mred" in shown


def test_who_does_not_read_holds_nobody_up(pipe: tuple[int, int]) -> None:
    terminal = Terminal(descriptor=pipe[1])
    begun = time.monotonic()
    for number in range(30_000):
        terminal.line("web", f"line {number} " + "." * 50)
    terminal.close(seconds=0.1)
    assert time.monotonic() - begun < 30


def test_a_reader_that_goes_away_is_no_trouble(pipe: tuple[int, int]) -> None:
    terminal = Terminal(descriptor=pipe[1])
    os.close(pipe[0])
    terminal.line("web", "for nobody")
    terminal.line("web", "for nobody")
    terminal.close()


def test_bytes_become_lines_however_they_are_cut() -> None:
    lines = Lines()
    assert lines.feed(b"one\r\ntw") == ["one"]
    assert lines.feed(b"o\nbad \xff byte\nrest") == ["two", "bad � byte"]
    assert lines.last() == ["rest"]
    assert lines.last() == []


def test_a_line_without_end_is_cut() -> None:
    cut = Lines().feed(b"x" * 70_000)
    assert [len(line) for line in cut] == [70_000]
