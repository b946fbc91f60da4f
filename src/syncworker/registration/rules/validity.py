"""Until when is a registration valid, and which day is it where the partner is?"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from syncworker.program import Validity


class UnknownTimeZoneError(Exception):
    """A portal's time zone is not known here; the caller decides what to do (UTC, and say so)."""

    def __init__(self, time_zone: str) -> None:
        self.time_zone = time_zone
        super().__init__(f"{time_zone[:60]!r} is no known time zone: enter one such as Europe/Stockholm")


def expires_on(registered_on: date, validity: Validity) -> date:
    """The last valid day: the same day that many years later, or that many days later.

    29 February becomes 28 February. Beyond the calendar's end: its last day.
    """
    try:
        later = registered_on.replace(year=registered_on.year + validity.years)
    except ValueError:
        # Either 29 February in a year that has none, or a year beyond 9999, of a date that somebody mistyped.
        if registered_on.year + validity.years > date.max.year:
            return date.max
        later = registered_on.replace(year=registered_on.year + validity.years, day=28)
    days = timedelta(days=validity.days)
    return date.max if date.max - later < days else later + days


def is_overdue(expires_on: date, *, today: date) -> bool:
    """Whether the last valid day is over. `today` is the day where the portal is."""
    return today > expires_on


def today_in(time_zone: str, now: datetime) -> date:
    """The day it is at the moment `now` in that time zone, a name of the tz database.

    Raises UnknownTimeZoneError; ValueError for a `now` without a zone.
    """
    if now.tzinfo is None:
        raise ValueError("now must have a time zone")
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:  # not found; not a name; a folder of names, or too long
        raise UnknownTimeZoneError(time_zone) from error
    return now.astimezone(zone).date()
