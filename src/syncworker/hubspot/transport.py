"""How does one request reach HubSpot, and its whole answer come back?

On the official SDK's `ApiClient`, held for the life of the process: a fresh accessor of the SDK would open a
new connection pool, and its typed models cost 20 to 50 times the parse. One request, one answer, whatever its
status: no retries, no limits, no tokens here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import urllib3
from hubspot.crm.contacts.api_client import ApiClient
from hubspot.crm.contacts.configuration import Configuration
from hubspot.crm.contacts.rest import RESTClientObject

from syncworker.hubspot.errors import RetryLater

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 10.0
_CHUNK = 1 << 16
_AWAY = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
)
# An outage, a wrong host name and a closed port look alike: nothing of the portal gets through.
_AWAY_S = 2.0
_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, headers by lower-case name, and the body's bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def date(self) -> datetime | None:
        """What time it is at HubSpot (RFC 9110, `Date`); None where the answer may not be HubSpot's, or not of now.

        A proxy on the way makes answers of its own, mostly errors, and tells with `Age` that one was kept.
        """
        if not 200 <= self.status <= 299 or self.headers.get("age", "0") != "0":
            return None
        try:
            date = parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, OverflowError):
            return None
        return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


class _AnyStatus(RESTClientObject):  # type: ignore[misc]  # the SDK ships no types
    """The SDK's REST client, handing back every answer.

    The SDK's own raises outside 2xx, and decodes the body of that as UTF-8: HubSpot's 404 is an ISO-8859-1
    page, and the UnicodeDecodeError would hide it. It also reads the body while it builds the exception, past
    any deadline.
    """

    def request(
        self,
        method: str,
        url: str,
        query_params: Sequence[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        body: str | bytes | None = None,
        post_params: Sequence[tuple[str, str]] | None = None,
        _preload_content: bool = True,
        _request_timeout: tuple[float, float] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        connect, read = _request_timeout or (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        fields: dict[str, object] = {}
        if post_params:
            fields = {"fields": list(post_params), "encode_multipart": False}
        elif body is not None:
            fields = {"body": body}
        if query_params:
            # A comma may stand as it is; of an address with a percent sign urllib3 looks at each letter, twice.
            url = f"{url}?{urlencode(query_params, safe=',')}"
        answer: urllib3.BaseHTTPResponse = self.pool_manager.request_encode_body(
            method,
            url,
            headers=headers,
            # In all until the answer begins; after that `_read` keeps the time.
            timeout=urllib3.Timeout(connect=connect, read=read, total=read),
            preload_content=_preload_content,
            redirect=False,
            **fields,
        )
        return answer


class Transport:
    """Requests to one host over one connection pool. Thread-safe.

    `timeout_s` bounds the time until an answer begins, and a body that trickles in; a body that stops coming just
    before that is given up within as much again.
    """

    def __init__(self, base_url: str, *, timeout_s: float = READ_TIMEOUT_S, connections: int = 16) -> None:
        configuration = Configuration(host=base_url.rstrip("/"))
        # urllib3's own retries sleep inside the call, know no deadline, and repeat nothing but reads.
        configuration.retries = urllib3.Retry(total=False, redirect=False)
        configuration.connection_pool_maxsize = connections
        self._timeout_s = timeout_s
        self._api = ApiClient(configuration)
        self._api.rest_client = _AnyStatus(configuration)
        self._api.user_agent = "syncworker"

    def send(
        self,
        method: str,
        path: str,
        *,
        route: str,
        headers: Mapping[str, str],
        query: Sequence[tuple[str, str]] = (),
        body: str | None = None,
        form: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Send one request and read its whole answer, whatever its status. `route` names it in errors.

        Raises RetryLater where none came in time: no connection, a reset, a timeout, a truncated body.
        """
        deadline = time.monotonic() + self._timeout_s
        content_type = "application/x-www-form-urlencoded" if form else "application/json"
        try:
            response = self._api.call_api(
                path,
                method,
                query_params=list(query),
                header_params={"Accept": "application/json", "Content-Type": content_type, **headers},
                body=body,
                post_params=list(form),
                _preload_content=False,
                _request_timeout=(min(CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s),
            )
            return Answer(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=_read(response, deadline, route),
            )
        except _AWAY as error:
            raise _no_answer(error, route, _AWAY_S, portal=True) from error
        except urllib3.exceptions.HTTPError as error:
            raise _no_answer(error, route, _AGAIN_S, portal=False) from error

    def close(self) -> None:
        """Close the connections that wait for their next request."""
        self._api.rest_client.pool_manager.clear()
        self._api.close()


def _read(response: urllib3.BaseHTTPResponse, deadline: float, route: str) -> bytes:
    parts: list[bytes] = []
    whole = False
    try:
        # read1() comes back after each packet, so that a body of one byte a second meets the deadline all the
        # same.
        while part := response.read1(_CHUNK, decode_content=True):
            parts.append(part)
            if time.monotonic() > deadline:
                raise RetryLater(
                    "the answer came too slowly", route=route, retry_after_s=_AGAIN_S, status=response.status
                )
        whole = True
    finally:
        if not whole:
            # Half an answer on a pooled connection would be the beginning of the next one.
            response.close()
        response.release_conn()
    return b"".join(parts)


def _no_answer(error: Exception, route: str, seconds: float, *, portal: bool) -> RetryLater:
    return RetryLater(
        f"{type(error).__name__}: {error}",
        route=route,
        retry_after_s=seconds,
        scope="portal" if portal else "call",
    )
