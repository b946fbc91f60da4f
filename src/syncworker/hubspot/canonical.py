"""Is a value in the CRM the one that we would write?

HubSpot gives some values back in other words than it took them. Compared as text, the difference would never
end, nor the writing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from syncworker.hubspot.json_values import from_iso, from_ms

Value = str | int | float | Decimal | date | None

_DAY = timedelta(days=1)


def same(definition_type: str, ours: Value, theirs: Value) -> bool:
    """Whether two values of a property of that type (`date`, `number`, `enumeration`, ...) mean the same.

    None, the empty string and a missing value are one. Whether HubSpot trims text is not known, so text is
    compared as it is. A value that cannot be read as its type only equals itself.
    """
    return canonical(definition_type, ours) == canonical(definition_type, theirs)


def canonical(definition_type: str, value: Value) -> str | Decimal | date | None:
    """The value in the one form that is compared."""
    if value is None or value == "":
        return None
    if definition_type == "date":
        return _day(value)
    if definition_type == "datetime":
        return _instant(value)
    if definition_type == "number":
        return _number(value)
    if definition_type == "bool":
        return str(value).lower()
    return str(value)


def _day(value: Value) -> date | str:
    if isinstance(value, datetime):
        moment: datetime | None = _utc(value)
    elif isinstance(value, date):
        return value
    else:
        written = str(value)
        if len(written) == 10:
            try:
                return date.fromisoformat(written)
            except ValueError:
                # Ten digits may still be milliseconds of early 1970.
                moment = from_ms(written)
        else:
            moment = from_ms(written) or from_iso(written)
    # HubSpot keeps a date as midnight UTC. Any other time of day is no date, and to be written over.
    if moment is None or (moment - datetime(1970, 1, 1, tzinfo=UTC)) % _DAY:
        return str(value)
    return moment.date()


def _instant(value: Value) -> datetime | str:
    if isinstance(value, datetime):
        return _utc(value)
    return from_ms(str(value)) or from_iso(str(value)) or str(value)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _number(value: Value) -> Decimal | str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return number if number.is_finite() else str(value)
