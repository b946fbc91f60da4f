"""Everything breaks for a minute, and everything holds: `make soak` goes on for longer."""

from __future__ import annotations

import pytest

from faults.scenario import run
from faults.seeds import SHORT

pytestmark = [pytest.mark.faults, pytest.mark.acceptance]

SECONDS = 60.0
"""With the start before and the recovery after it, a minute and a half."""


def test_whatever_breaks_no_mark_is_lost_and_crm_and_ledger_are_equal() -> None:
    outcome = run(SHORT, seconds=SECONDS)
    print(outcome)
    assert not outcome.wrong, f"{outcome}\nagain: make soak SEED={outcome.seed} MINUTES=1 SHORT=1"
