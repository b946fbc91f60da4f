"""How much may somebody send with one request?

Counted while it comes in: nothing larger is read whole, kept in memory or put on disk, whatever its header says.
"""

from __future__ import annotations

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import Message

# The largest file that is taken, and what a form has around it.
MOST_BYTES = 21_000_000


class TooLarge(HTTPException):
    """More was sent than is taken: 413. Of this family, because FastAPI makes 400 of anything else in a body."""

    def __init__(self) -> None:
        said = f"more than {MOST_BYTES // 1_000_000} MB are not taken at once: divide the file"
        # What is still on its way is not waited for.
        super().__init__(413, said, {"Connection": "close"})


def limited(request: Request, most: int = MOST_BYTES) -> Request:
    """The same request, whose body ends with TooLarge where it is larger. Raises that at once where it says so."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > most:
        raise TooLarge
    came = 0

    async def receive() -> Message:
        nonlocal came
        message = await request.receive()
        came += len(message.get("body", b""))
        if came > most:
            raise TooLarge
        return message

    return Request(request.scope, receive)
