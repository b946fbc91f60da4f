"""Which webhooks are stored together, and whom does a commit that fails or hangs hold up?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from syncworker.web.intake import Intake

PATIENT = 10.0


class Store:
    """A store whose commits end when they are let go; those of a row named `hangs` alone, in the end."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.let_go = asyncio.Event()
        self.end = asyncio.Event()
        self.fails = False

    async def __call__(self, rows: Sequence[str]) -> None:
        self.batches.append(list(rows))
        async with asyncio.timeout(PATIENT):
            await (self.end if "hangs" in rows else self.let_go).wait()
        if self.fails:
            raise psycopg.OperationalError("the database went away")


async def _until_begun(store: Store, batches: int) -> None:
    async with asyncio.timeout(PATIENT):
        while len(store.batches) < batches:
            await asyncio.sleep(0.001)


def test_all_that_come_during_a_commit_share_the_next_one() -> None:
    async def scenario(store: Store) -> None:
        intake = Intake(store, commits=2)
        first = asyncio.create_task(intake.keep("1"))
        await _until_begun(store, 1)
        others = [asyncio.create_task(intake.keep(str(number))) for number in range(2, 6)]
        await asyncio.sleep(0)
        # Nobody is told before it is so
        assert not first.done()
        store.let_go.set()
        await asyncio.gather(first, *others)

    store = Store()
    asyncio.run(scenario(store))
    assert store.batches == [["1"], ["2", "3", "4", "5"]]


def test_a_commit_that_fails_is_told_to_all_who_share_it_and_the_next_is_tried_again() -> None:
    async def scenario(store: Store) -> None:
        intake = Intake(store, commits=2)
        store.let_go.set()
        store.fails = True
        outcomes = await asyncio.gather(intake.keep("1"), intake.keep("2"), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [psycopg.OperationalError, psycopg.OperationalError]
        store.fails = False
        await intake.keep("3")

    asyncio.run(scenario(Store()))


def test_a_commit_that_hangs_holds_nobody_who_comes_after_it() -> None:
    async def scenario(store: Store) -> None:
        intake = Intake(store, commits=2)
        store.let_go.set()
        hanging = asyncio.create_task(intake.keep("hangs"))
        await _until_begun(store, 1)
        async with asyncio.timeout(PATIENT):
            await intake.keep("2")
        assert not hanging.done()
        store.end.set()
        await hanging

    asyncio.run(scenario(Store()))


def test_when_all_connections_hang_what_waits_is_stored_by_the_first_that_comes_free() -> None:
    async def scenario(store: Store) -> None:
        intake = Intake(store, commits=1)
        store.let_go.set()
        hanging = asyncio.create_task(intake.keep("hangs"))
        await _until_begun(store, 1)
        # One gives up in time, and is forgotten
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await intake.keep("2")
        third = asyncio.create_task(intake.keep("3"))
        await asyncio.sleep(0)
        store.end.set()
        await asyncio.gather(hanging, third)

    store = Store()
    asyncio.run(scenario(store))
    assert store.batches == [["hangs"], ["3"]]
