"""Do two spellings of one value count as one, and two values as two?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworker.hubspot.canonical import same

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.dates(date(1970, 1, 1), date(9999, 12, 31)))
def test_a_date_is_itself_in_every_spelling(day):
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    spellings = [
        day, midnight, day.isoformat(), f"{day.isoformat()}T00:00:00Z", f"{day.isoformat()}T00:00:00.000Z",
        str((midnight - EPOCH) // timedelta(milliseconds=1)),
    ]  # fmt: skip
    assert all(same("date", day, one) for one in spellings)
    if day < date(9999, 12, 31):
        assert not same("date", day, (day + timedelta(days=1)).isoformat())


@pytest.mark.parametrize("theirs", ["2026-01-01T10:00:00Z", "2026-01-02", "soon", "2026-13-01", ""])
def test_another_moment_is_not_the_date(theirs):
    assert not same("date", "2026-01-01", theirs)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_a_number_is_itself_with_any_zeros(number):
    assert same("number", number, f"{number:f}000")


@pytest.mark.parametrize(("ours", "theirs", "equal"), [
    (50, "50", True), (50, "50.0", True), ("50", "5e1", True), (0, "", False), (50, "51", False),
    (50, "50 st", False), ("NaN", "NaN", True), (Decimal("0.1"), 0.1, True), (0, "-0", True),
])  # fmt: skip
def test_numbers_are_compared_as_numbers(ours, theirs, equal):
    assert same("number", ours, theirs) is equal


@pytest.mark.parametrize("type_", ["date", "datetime", "number", "enumeration", "string", "bool"])
def test_nothing_is_nothing_in_every_spelling(type_):
    assert same(type_, None, "")
    assert same(type_, "", None)
    assert not same(type_, None, "2")


def test_text_and_choices_are_compared_to_the_letter():
    assert same("string", "å", "å")
    assert not same("string", "å ", "å")
    assert not same("enumeration", "registered", "Registered")


def test_moments_and_yes_or_no_are_compared_by_meaning():
    assert same("datetime", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T01:00:00+01:00")
    assert same("datetime", "1767225600000", "2026-01-01T00:00:00.000Z")
    assert not same("datetime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
    assert same("bool", True, "true")


@given(st.sampled_from(["date", "datetime", "number", "string", "bool"]), st.text(), st.text())
def test_any_text_can_be_compared(type_, ours, theirs):
    assert same(type_, ours, ours)
    assert same(type_, ours, theirs) == same(type_, theirs, ours)
