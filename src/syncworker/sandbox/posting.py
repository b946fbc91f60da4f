"""How is a webhook posted without a thread for each? A small HTTP/1.1 client on asyncio that keeps connections open."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import httptools


class PostFailedError(Exception):
    """No complete answer came: refused, reset, or not HTTP."""


@dataclass(slots=True)
class _Answer:
    """What the parser found."""

    complete: bool = False

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.complete = True


_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Poster:
    """Posts to addresses, reusing idle connections per host."""

    _idle: dict[str, list[_Connection]] = field(default_factory=dict)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> int:
        """The status of the answer. Raises PostFailedError or TimeoutError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PostFailedError(f"not an http(s) address: {url}")
        async with asyncio.timeout(timeout_s):
            idle = self._idle.setdefault(parts.netloc, [])
            while idle:
                connection = idle.pop()
                try:
                    return await self._exchange(connection, parts, body, headers)
                except (PostFailedError, OSError):
                    continue  # closed by the other side while idle: a fresh one decides
            try:
                connection = await _connect(parts)
                return await self._exchange(connection, parts, body, headers)
            except OSError as failure:
                raise PostFailedError(str(failure)) from failure

    def close(self) -> None:
        """Close all idle connections."""
        for connections in self._idle.values():
            for _, writer in connections:
                writer.close()
        self._idle.clear()

    async def _exchange(
        self, connection: _Connection, parts: SplitResult, body: bytes, headers: Mapping[str, str]
    ) -> int:
        reader, writer = connection
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        keep = False
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
            answer = _Answer()
            parser = httptools.HttpResponseParser(answer)
            while not answer.complete:
                data = await reader.read(65_536)
                if not data:
                    raise PostFailedError("the connection was closed before the answer was complete")
                try:
                    parser.feed_data(data)
                except httptools.HttpParserError as failure:
                    raise PostFailedError(f"not HTTP: {failure}") from failure
            keep = bool(parser.should_keep_alive())
            return int(parser.get_status_code())
        finally:
            if keep:
                self._idle.setdefault(parts.netloc, []).append(connection)
            else:
                writer.close()


async def _connect(parts: SplitResult) -> _Connection:
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    context = ssl.create_default_context() if secure else None
    return await asyncio.open_connection(parts.hostname, port, ssl=context)
