"""How is a Valkey run that keeps nothing?

Redis owns nothing in this design, so it writes nothing to disk. It listens on the loopback interface only,
on a port that the system chose, and asks for a password: other users of the machine can reach that port too.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

import redis

from syncworker.up import embedded
from syncworker.up.guarded import Command


@dataclass(frozen=True, slots=True)
class Server:
    """A Valkey that is about to run in `folder`."""

    folder: Path
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def command(self) -> Command:
        """What runs the server."""
        # In a file, not in the arguments, which any user of the machine can read.
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            "appendonly no",
            'save ""',
        ]
        config.write_text("\n".join(lines) + "\n")
        return Command(argv=(str(embedded.valkey_program()), str(config)), cwd=self.folder)


def prepare(folder: Path) -> Server:
    """Choose a port and a password. Raises EmbeddedMissingError."""
    embedded.valkey_program()
    folder.mkdir(parents=True, exist_ok=True)
    return Server(folder.absolute(), free_port(), secrets.token_urlsafe(24))


def accepts(url: str) -> bool:
    """Whether the server answers."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def free_port() -> int:
    """A port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
