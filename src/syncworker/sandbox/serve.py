"""How is the sandbox started and stopped?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncworker.sandbox.app import App
from syncworker.sandbox.world import World, build


class _Protocol(HttpToolsProtocol):
    """Lets a handler drop its connection: the faults `reset`, `timeout`, `cut` and `lost_answer`."""

    def on_message_begin(self) -> None:
        """Called by the parser, per request."""
        super().on_message_begin()
        self.scope["extensions"] = {"sandbox.abort": self.transport.abort}  # type: ignore[dict-item] # our own key


class _Server(uvicorn.Server):
    """Tells the world that it is closing, so that streams end by themselves."""

    world: World

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        self.world.closing = True
        super().handle_exit(sig, frame)


def server(
    *, host: str, port: int, data_dir: Path, webhook_url: str | None = None, reset: bool = False
) -> uvicorn.Server:
    """A server that is ready to run. `webhook_url` replaces that of the demo's portals; None leaves what is stored."""
    world = build(data_dir, webhook_url)
    if reset:
        world.reset()
    config = uvicorn.Config(
        App(world),
        host=host,
        port=port,
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # its clock can be made to differ: see `faults.py`
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        backlog=1024,
    )
    made = _Server(config)
    made.world = world
    return made


def serve(*, host: str, port: int, data_dir: Path, webhook_url: str | None = None, reset: bool = False) -> None:
    """Serve until SIGINT or SIGTERM; everything is stored in `data_dir` and found again by the next run."""
    ready = server(host=host, port=port, data_dir=data_dir, webhook_url=webhook_url, reset=reset)
    try:
        ready.run()
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
