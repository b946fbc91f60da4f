"""Why does the API refuse a request that no rule below it refuses?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Refusal(Exception):
    """An answer of the API that is no success: `status`, and a line that says what to do."""

    status: int = 422
    headers: Mapping[str, str] | None = None


class ApiOff(Refusal):
    """No token is set, so nobody can have the right one."""

    status = 503

    def __init__(self) -> None:
        super().__init__("the API is off: set SYNCWORKER_API_TOKEN and start the web process again")


class WrongToken(Refusal):
    """The bearer token is missing or not the one that is set."""

    status = 401
    headers = {"WWW-Authenticate": 'Bearer realm="syncworker"'}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        super().__init__("send the header `Authorization: Bearer <the value of SYNCWORKER_API_TOKEN>`")


class NoPortal(Refusal):
    """Nothing is connected yet."""

    status = 404

    def __init__(self) -> None:
        super().__init__("no portal is connected: connect one with `syncworker portals add`")


class PortalNotNamed(Refusal):
    """More than one portal is connected, and the request names none."""

    def __init__(self, hub_ids: Sequence[int]) -> None:
        self.hub_ids = tuple(hub_ids)
        listed = ", ".join(str(hub_id) for hub_id in hub_ids)
        super().__init__(f"more than one portal is connected: add ?portal= with one of {listed}")


class NobodyNamed(Refusal):
    """The token is nobody's: it says whose notices are meant."""

    def __init__(self) -> None:
        super().__init__("say whose notices are meant: add ?email= with the email of an account")


class NotADomain(Refusal):
    """The path names no registrable domain; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class UnknownDomain(Refusal):
    """Nothing ever happened about this domain."""

    status = 404

    def __init__(self, domain: str) -> None:
        self.domain = domain
        super().__init__(f"nothing is known of {domain}: see GET /api/v1/registrations")


class KeyUsed(Refusal):
    """The Idempotency-Key belongs to something else: `used_for` says to what, `one` of which kind both are."""

    status = 409

    def __init__(self, *, used_for: str, one: str) -> None:
        super().__init__(f"this Idempotency-Key was used for {used_for}: send another key for another {one}")


class NoParkedMark(Refusal):
    """The mark that is named is not parked, or not there."""

    status = 404

    def __init__(self, named: str) -> None:
        super().__init__(f"there is no parked mark for {named}: see GET /api/v1/marks?parked=true")


class NoFile(Refusal):
    """A form was sent that has no file in it."""

    def __init__(self) -> None:
        super().__init__("send the CSV as the body with content-type text/csv, or as the field `file` of a form")
