"""How long does a server take for each request, and how much of its own and of PostgreSQL's time?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench.page_kinds import Ask


class BadPage(Exception):
    """A page was not answered with 200."""

    def __init__(self, path: str, status: int, body: bytes) -> None:
        super().__init__(f"{status} for {path[:200]}: {body[:300]!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """One request, in milliseconds."""

    kind: str
    ask: Ask
    ms: float
    web_ms: float = 0.0
    """Of it, what the web process worked; measured only where one request is asked at a time."""
    database_ms: float = 0.0
    size: int


Costs = Callable[[], tuple[float, float]]


class Browsing:
    """Somebody who is signed in, on a connection that is kept."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = headers

    def get(self, path: str, *, part: bool = False) -> tuple[int, bytes]:
        """Ask for a page, or for its list alone."""
        more = {"HX-Request": "true", "HX-Target": "list"} if part else {}
        self._connection.request("GET", path, headers={**self._headers, **more})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def post(self, path: str, body: str) -> tuple[int, str]:
        """Submit a form; return where that leads to."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", path, body=body.encode(), headers={**self._headers, **form})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("location") or ""

    def took(self, kind: str, ask: Ask, costs: Costs) -> Took:
        """Ask, and say how long it took; raises BadPage."""
        web, database = costs()
        began = time.perf_counter()
        status, body = self.get(ask.path, part=ask.part)
        ms = (time.perf_counter() - began) * 1000
        web_after, database_after = costs()
        if status != 200:
            raise BadPage(ask.path, status, body)
        return Took(
            kind=kind, ask=ask, ms=ms, web_ms=web_after - web, database_ms=database_after - database, size=len(body)
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def browsing(port: int, headers: dict[str, str]) -> Iterator[Browsing]:
    """The same, closed in the end."""
    one = Browsing(port, headers)
    try:
        yield one
    finally:
        one.close()


def one_at_a_time(port: int, headers: dict[str, str], asked: Sequence[tuple[str, Ask]], costs: Costs) -> list[Took]:
    """All of them, one after the other."""
    with browsing(port, headers) as reader:
        return [reader.took(kind, ask, costs) for kind, ask in asked]


def at_once(port: int, headers: dict[str, str], asked: Sequence[tuple[str, Ask]], *, people: int) -> list[Took]:
    """All of them, by so many people, each of whom asks for the next page when the last one is there."""

    def person(number: int) -> list[Took]:
        with browsing(port, headers) as reader:
            return [reader.took(kind, ask, lambda: (0.0, 0.0)) for kind, ask in asked[number::people]]

    with ThreadPoolExecutor(people) as crowd:
        return [took for some in crowd.map(person, range(people)) for took in some]


def costs_of(web_pid: int, postgres_pid: int) -> Costs:
    """What the web process, and all of PostgreSQL, have worked so far, in milliseconds. Linux alone tells; else 0."""

    def costs() -> tuple[float, float]:
        servers = [web_pid, *_children(web_pid)]
        return sum(map(_worked, servers)), sum(map(_worked, _children(postgres_pid)))

    return costs


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _worked(pid: int) -> float:
    """Of all its threads. The first figure of schedstat is nanoseconds on a processor."""
    worked = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            worked += int(task.read_text().split()[0])
        except (OSError, IndexError):
            # It ended just now.
            continue
    return worked / 1e6
