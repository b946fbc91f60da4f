"""Is a registration valid as long as it should be, in the days of the partner's place?"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworker.program import Validity
from syncworker.registration.rules.validity import UnknownTimeZoneError, expires_on, is_overdue, today_in

YEAR = Validity(years=1)


def test_the_same_day_of_the_next_year_is_the_last_valid_day() -> None:
    assert expires_on(date(2026, 3, 10), YEAR) == date(2027, 3, 10)


def test_the_29th_of_february_becomes_the_28th() -> None:
    assert expires_on(date(2024, 2, 29), YEAR) == date(2025, 2, 28)
    assert expires_on(date(2024, 2, 29), Validity(years=4)) == date(2028, 2, 29)


def test_referral_partners_have_90_days() -> None:
    assert expires_on(date(2026, 1, 1), Validity(days=90)) == date(2026, 4, 1)


def test_a_mistyped_year_ends_with_the_calendar() -> None:
    assert expires_on(date(9999, 5, 1), YEAR) == date.max
    assert expires_on(date(9999, 12, 1), Validity(days=90)) == date.max


@given(st.dates(), st.integers(1, 50))
def test_a_registration_never_ends_before_it_began(registered_on: date, count: int) -> None:
    assert expires_on(registered_on, Validity(years=count)) >= registered_on
    assert expires_on(registered_on, Validity(days=count)) >= registered_on


def test_it_is_overdue_the_day_after_its_last_valid_day() -> None:
    last = date(2027, 3, 10)

    assert not is_overdue(last, today=date(2027, 3, 10))
    assert is_overdue(last, today=date(2027, 3, 11))


def test_the_day_is_the_one_where_the_portal_is() -> None:
    now = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)

    assert today_in("UTC", now) == date(2026, 12, 31)
    assert today_in("Europe/Stockholm", now) == date(2027, 1, 1)
    assert today_in("US/Eastern", now) == date(2026, 12, 31)


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "Europe", "../etc/passwd", "/etc", "a\0b", "x" * 5000])
def test_a_time_zone_that_does_not_exist_is_said_to_the_caller(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match="enter one such as Europe/Stockholm") as caught:
        today_in(name, datetime(2026, 1, 1, tzinfo=UTC))
    assert caught.value.time_zone == name


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a time zone"):
        today_in("UTC", datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
