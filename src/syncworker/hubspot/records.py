"""What do HubSpot's answers hold, once read?

Frozen values, without any of HubSpot's JSON left. Ids are strings: they exceed 32 bits, and HubSpot itself
writes them as strings here and as numbers there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.quota import Lane


@dataclass(frozen=True, slots=True)
class PropertyVersion:
    """One value that a property had, who set it (`source_type` such as CRM_UI), and when (UTC)."""

    value: str | None
    timestamp: datetime
    source_type: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class Association:
    """An associated record; `primary`: as the primary company of a contact (or contact of a company)."""

    to_id: str
    primary: bool
    type_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A contact or a company as HubSpot gave it. Values are strings; None is a defined property without one.

    `history` is newest first, for the properties it was asked for. `associations` is only filled by
    `list_page`, by kind, and is not complete where HubSpot pages it (then the kind is in `associations_cut`).
    """

    object_type: str
    id: str
    properties: dict[str, str | None]
    archived: bool = False
    history: dict[str, list[PropertyVersion]] = field(default_factory=dict)
    associations: Mapping[str, tuple[Association, ...]] = field(default_factory=dict)
    associations_cut: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list, in ascending id; `after` is None on the last one."""

    records: tuple[Record, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """A page of a search. `total` counts all matches; HubSpot gives out the first 10,000 only."""

    total: int
    records: tuple[Record, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRead:
    """What a batch read found, by what was asked for: the id, or the lower-cased email.

    Every asked key is in `found` or in `missing`. A key in `moved` is in `found` too, and says under which
    other id the record is now: it was merged.
    """

    found: dict[str, Record]
    missing: frozenset[str] = frozenset()
    moved: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchUpdate:
    """Which records of a batch were updated, and why the others were not: each asked id is in one of them."""

    updated: frozenset[str]
    failed: dict[str, HubSpotError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The definition of a form."""

    id: str
    name: str
    form_type: str | None = None
    archived: bool = False


class FieldValue(NamedTuple):
    """One field of a submission. `object_type_id` is `0-1` for a contact's, None where it is not said."""

    name: str
    value: str
    object_type_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One submission of a form. It carries no contact id, and not always a conversion id.

    Where HubSpot gives no time (`timed` is false), `submitted_at` is that of its neighbour in the list.
    """

    conversion_id: str | None
    submitted_at: datetime
    values: tuple[FieldValue, ...]
    page_url: str | None = None
    timed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPage:
    """A page of submissions, newest first; `after` is None on the last one.

    `unreadable` is how many are left out because nothing can be made of them.
    """

    submissions: tuple[Submission, ...]
    after: str | None
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """The account a token belongs to. `ui_domain` is where its people work, such as `app.hubspot.com`."""

    hub_id: int
    time_zone: str
    account_type: str | None = None
    ui_domain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One condition of a search, in HubSpot's words. Times are milliseconds since 1970, as strings."""

    property_name: str
    operator: str
    value: str | None = None
    values: tuple[str, ...] = ()
    high_value: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """The one order that a search may have."""

    property_name: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMade:
    """One HTTP exchange with HubSpot, for metrics and logs; retries are exchanges of their own.

    `route` is a template without ids. `status` is None where no whole answer came; `error` names the error
    class, `correlation_id` is HubSpot's. `seconds` are from sending to the answer, after `waited_s` for quota.
    `answered_at` is HubSpot's own time, where the answer was made for this call.
    """

    hub_id: int
    method: str
    route: str
    status: int | None
    seconds: float
    error: str | None = None
    correlation_id: str | None = None
    lane: Lane = Lane.INTERACTIVE
    waited_s: float = 0.0
    answered_at: datetime | None = None
