"""How many requests a second does a server take over so many connections, and how long does each wait?

Run as a process of its own, so that what it measures is not slowed by sharing an interpreter:
`python -m bench.load PORT CONNECTIONS SECONDS` with the raw requests, one after the other with their length before
each, on its standard input; it prints its findings as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import uvloop

_LENGTH = b"content-length: "


class BadAnswer(Exception):
    """The server answered with something else than 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What was measured."""

    per_second: float
    p50_ms: float
    p99_ms: float


def load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send these raw requests in turn over all connections, each waiting for its answer; raises BadAnswer."""
    framed = b"".join(len(one).to_bytes(4, "big") + one for one in requests)
    command = [sys.executable, "-m", "bench.load", str(port), str(connections), str(seconds)]
    done = subprocess.run(command, input=framed, capture_output=True, check=False, timeout=seconds + 60)
    if done.returncode:
        raise BadAnswer(done.stderr.decode(errors="replace")[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return Load(**found)


class _Connection(asyncio.Protocol):
    """Sends the next request when the last one was answered."""

    def __init__(self, requests: Sequence[bytes], first: int, until: float, took: list[float]) -> None:
        self._requests = requests
        self._next = first
        self._until = until
        self._took = took
        self._received = b""
        self._sent_at = 0.0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _body_length(head):
            return
        now = time.perf_counter()
        if b" 200 " not in head[:20]:
            self._fail(BadAnswer(self._received[:500]))
            return
        self._took.append(now - self._sent_at)
        self._received = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self.over.done():
            return
        if error is None and time.perf_counter() >= self._until:
            self.over.set_result(None)
        else:
            self._fail(error or BadAnswer("the server hung up"))

    def _fail(self, error: Exception) -> None:
        if not self.over.done():
            self.over.set_exception(error)
        self._transport.close()


def _body_length(head: bytes) -> int:
    at = head.lower().index(_LENGTH) + len(_LENGTH)
    return int(head[at:].partition(b"\r\n")[0])


async def _measure(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    began = time.perf_counter()
    opened = [
        await loop.create_connection(
            lambda first=number: _Connection(requests, first, began + seconds, took),  # type: ignore[misc] # bound now
            "127.0.0.1",
            port,
        )
        for number in range(connections)
    ]
    async with asyncio.timeout(seconds + 20):
        await asyncio.gather(*(connection.over for _, connection in opened))
    lasted = time.perf_counter() - began
    took.sort()
    return Load(
        per_second=len(took) / lasted,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[int(len(took) * 0.99)] * 1000,
    )


def _main() -> None:
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    framed = sys.stdin.buffer.read()
    requests = []
    while framed:
        length = int.from_bytes(framed[:4], "big")
        requests.append(framed[4 : 4 + length])
        framed = framed[4 + length :]
    found = uvloop.run(_measure(port, requests, connections, seconds))
    print(json.dumps({"per_second": found.per_second, "p50_ms": found.p50_ms, "p99_ms": found.p99_ms}))


if __name__ == "__main__":
    _main()
