"""What does HubSpot say, and in which words does it refuse?

The bodies are those of HubSpot's error-handling page and of recorded answers; where only the category is known for
sure, clients should look at the category.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

JSON_TYPE = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, ready to send."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


class RefusedError(Exception):
    """A request that is answered with an error; whatever it had begun to write is rolled back."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(f"{reply.status}: {reply.body[:200].decode(errors='replace')}")


def dumps(body: object) -> bytes:
    """Compact JSON."""
    try:
        return orjson.dumps(body)  # in a tenth of the time
    except orjson.JSONEncodeError:
        pass  # half of a surrogate pair, or a number beyond 64 bits, which HubSpot would send as well
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def ok(body: object, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status, dumps(body))


def no_content() -> Reply:
    """204."""
    return Reply(204)


def correlation_id() -> str:
    """A fresh id for an error, as support asks for it."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One entry of the `errors` of a batch answer: what happened to which input."""

    category: str
    message: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        """The entry as it stands in the answer."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": {key: list(values) for key, values in self.context.items()},
        }


def error(status: int, message: str, category: str | None, **more: object) -> RefusedError:
    """An error in HubSpot's shape; `more` adds keys such as `errors` or `links`."""
    body: dict[str, object] = {"status": "error", "message": message, "correlationId": correlation_id()}
    body.update(more)
    if category is not None:
        body["category"] = category
    return RefusedError(Reply(status, dumps(body)))


def invalid(message: str, **more: object) -> RefusedError:
    """400 VALIDATION_ERROR."""
    return error(400, message, "VALIDATION_ERROR", **more)


def invalid_json(message: str) -> RefusedError:
    """400 for a body that does not parse or does not fit."""
    return invalid(f"Invalid input JSON: {message}")


def conflict(message: str) -> RefusedError:
    """409 CONFLICT."""
    return error(409, message, "CONFLICT")


def object_not_found(message: str = "Object not found.  objectId are usually numeric.") -> RefusedError:
    """404 OBJECT_NOT_FOUND in JSON: for ids that cannot be one, and for things that are not records."""
    return error(404, message, "OBJECT_NOT_FOUND")


NOT_FOUND_PAGE = (
    b"<html>\n<head>\n"
    b'<meta http-equiv="Content-Type" content="text/html;charset=iso-8859-1"/>\n'
    b"<title>Error 404 Not Found</title>\n</head>\n"
    b"<body><h2>HTTP ERROR 404</h2>\n<p>Not Found</p>\n</body>\n</html>\n"
)


def record_not_found() -> RefusedError:
    """404 for a numeric id that does not exist: an HTML page, as observed on the record routes in 2026-09."""
    return RefusedError(Reply(404, NOT_FOUND_PAGE, "text/html;charset=iso-8859-1", (("X-HubSpot-NotFound", "true"),)))


def unauthenticated() -> RefusedError:
    """401: no token, or one that nobody issued."""
    return error(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")


def token_expired() -> RefusedError:
    """401: the token was good once. HubSpot's words for it are not recorded; the status and category are."""
    return error(401, "The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION")


def missing_scopes(scopes: Sequence[str]) -> RefusedError:
    """403 MISSING_SCOPES, naming the scopes of which one is needed."""
    where = "https://developers.hubspot.com/scopes"
    return error(
        403,
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {where}.",
        "MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
        links={"scopes": where},
    )


def method_not_allowed(allowed: Sequence[str]) -> Reply:
    """405: an HTML page with `Allow`."""
    page = b"<html><head><title>Error 405 Method Not Allowed</title></head><body>HTTP ERROR 405</body></html>"
    return Reply(405, page, "text/html;charset=iso-8859-1", (("Allow", ", ".join(sorted(allowed))),))


def too_large(limit: int) -> RefusedError:
    """413: the body is longer than `limit` bytes."""
    return error(413, f"The request body is larger than {limit} bytes.", "VALIDATION_ERROR")
