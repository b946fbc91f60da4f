"""What does a document that somebody else wrote come to?"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from syncworker.hubspot.json_values import parsed


def finalized(calls_left: int) -> int:
    """What a finalizer does: a few calls within each other."""
    return finalized(calls_left - 1) if calls_left else 0


@contextmanager
def collected_all_the_time() -> Iterator[list[str]]:
    """Has garbage collected at every turn, as it may be at any; yields what was called. Pytest tells of what failed."""
    calls: list[str] = []

    def called(phase: str, _: dict[str, int]) -> None:
        calls.append(phase)
        finalized(20)

    before = gc.get_threshold()
    gc.callbacks.append(called)
    gc.set_threshold(1)
    try:
        yield calls
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(called)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_document_without_end_is_refused_before_the_stack_is_used_up(opening: bytes) -> None:
    with collected_all_the_time() as calls, pytest.raises(RecursionError):
        parsed(opening * 100_000)
    assert calls


def test_what_the_strict_parser_refuses_is_read_where_it_is_json() -> None:
    assert parsed(b'{"name": "\\ud800"}') == {"name": "\ud800"}
    assert parsed('{"name": "Ö"}'.encode("utf-16")) == {"name": "Ö"}
    with pytest.raises(ValueError, match="Expecting value"):
        parsed(b"<html>")
