"""How often does a busy minute of webhooks wake a worker?"""

from __future__ import annotations

import asyncio

from anyio import CapacityLimiter

from syncworker.web.ringing import Ringing

PATIENT = 10.0


def test_the_first_is_rung_for_at_once_and_all_that_come_within_a_moment_once() -> None:
    async def scenario() -> None:
        rings: list[str] = []
        ringing = Ringing(lambda: rings.append("!"), threads=CapacityLimiter(2))
        await ringing.ring()
        assert len(rings) == 1
        for _ in range(20):
            await ringing.ring()
        assert len(rings) == 1
        async with asyncio.timeout(PATIENT):
            while len(rings) < 2:
                await asyncio.sleep(0.001)
        # Nobody else came: it rests again, and does not ring by itself.
        async with asyncio.timeout(PATIENT):
            while ringing.resting:
                await asyncio.sleep(0.001)
        assert len(rings) == 2

    asyncio.run(scenario())
