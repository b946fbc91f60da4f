"""Are only short troubles waited out, and within the budget?"""

from __future__ import annotations

import pytest

from syncworker.hubspot.errors import Gone, RetryLater
from syncworker.hubspot.retrying import RetryBudget, with_retries


class Time:
    """A time that passes by sleeping, and by what an attempt takes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def run(errors: list[Exception], takes: float = 0.0, **budget: float) -> tuple[object, list[float]]:
    time, left = Time(), list(errors)

    def attempt() -> str:
        time.now += takes
        if left:
            raise left.pop(0)
        return "done"

    try:
        result: object = with_retries(attempt, budget=RetryBudget(**budget), sleep=time.sleep, clock=time.clock)
    except (RetryLater, Gone) as error:
        result = error
    return result, time.slept


def later(seconds: float, scope: str = "call") -> RetryLater:
    return RetryLater("m", route="r", retry_after_s=seconds, scope=scope)


def test_waits_grow_and_the_third_attempt_is_the_last():
    result, slept = run([later(1), later(1)])
    assert result == "done"
    assert 1 <= slept[0] <= 1.2
    assert 2 <= slept[1] <= 2.4
    last = later(1)
    assert run([later(1), later(1), last])[0] is last


def test_a_wait_out_of_the_budget_is_not_begun():
    long = later(9)
    assert run([long]) == (long, [])


def test_a_slow_attempt_uses_up_the_budget():
    second = later(1)
    result, slept = run([later(1), second], takes=5)
    assert result is second
    assert len(slept) == 1


@pytest.mark.parametrize("error", [later(0.1, "daily"), later(0.1, "migration"), Gone("m", route="r")])
def test_what_time_in_seconds_does_not_help_is_raised_at_once(error):
    assert run([error]) == (error, [])
