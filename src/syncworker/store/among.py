"""How is a column compared with many values, in a statement that is compiled once?"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column has one of these values: all of them in one array.

    `in_` makes a parameter of each: the statement is put together anew at every call, twice, and for every number of
    values the server plans another one.
    """
    return column == any_(literal(sorted(values), ARRAY(column.type)))
