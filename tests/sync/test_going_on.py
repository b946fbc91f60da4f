"""Does a thread that must never end go on, and does somebody hear of what went wrong?"""

from __future__ import annotations

import structlog
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from syncworker.sync.watch.going_on import GoingOn


def counted(doing: str, error: str) -> float:
    return REGISTRY.get_sample_value("syncworker_mistakes_total", {"doing": doing, "error": error}) or 0.0


def test_a_mistake_ends_nothing_is_counted_each_time_and_told_once_with_where_it_happened() -> None:
    going_on = GoingOn()
    done: list[int] = []

    def work() -> None:
        done.append(1)
        raise ZeroDivisionError

    before = counted("sweep", "ZeroDivisionError")
    with structlog.testing.capture_logs() as log:
        assert [going_on.do("sweep", work, hub_id=7) for _ in range(3)] == [False] * 3
        # and what comes after it is done
        assert going_on.do("sweep", lambda: done.append(2))
    assert done == [1, 1, 1, 2]
    assert counted("sweep", "ZeroDivisionError") == before + 3
    told = [(one["event"], one["kind"], one["hub_id"], one["exc_info"]) for one in log]
    assert told == [("sweep_failed", "ZeroDivisionError", 7, True)]


def test_a_database_that_is_away_is_no_mistake() -> None:
    before = counted("sweep", "OperationalError")

    def work() -> None:
        raise OperationalError("SELECT 1", {}, Exception("the server went away\nwith these values: ada@kapp.se"))

    with structlog.testing.capture_logs() as log:
        GoingOn().do("sweep", work)
    assert counted("sweep", "OperationalError") == before
    assert [(one["event"], one["log_level"]) for one in log] == [("sweep_failed", "warning")]
    assert "ada@kapp.se" not in str(log)
