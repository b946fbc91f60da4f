"""The app behind a real server, in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI


@contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve the app; yield a client of it."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", lifespan="on", log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    # Whoever connects before the app has started waits in the socket's queue.
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        listening.close()


def raw(client: httpx.Client, content: bytes, *, hang_up: bool = False) -> bytes:
    """Send these very bytes to the server; return what it answers, to the end of the connection."""
    address = (client.base_url.host, client.base_url.port or 80)
    answer = b""
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(content)
        if hang_up:
            return answer
        while received := connection.recv(65_536):
            answer += received
    return answer
