"""How do many values go to PostgreSQL in one parameter, in a statement that is compiled once?

In SQL of our own as one text that the server splits: the driver makes an array element by element, which for a
hundred ids costs more than the rest of a statement. None of the texts may hold the separator: ids and domains never do.
In an expression of SQLAlchemy's as an array.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY

SEPARATOR = "\x1f"


def joined(texts: Iterable[str]) -> str:
    """The parameter for `split()`."""
    return SEPARATOR.join(texts)


def split(parameter: str) -> str:
    """SQL for the array of texts in a parameter made by `joined`.

    Split by a query of its own: of an array that it can count before, the server makes a new plan each time, for more
    than most of these statements take.
    """
    return f"CAST((SELECT string_to_array(:{parameter}, chr(31))) AS text[])"


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column has one of these values: all of them in one array.

    `in_` makes a parameter of each: the statement is put together anew at every call, twice, and for every number of
    values the server plans another one.
    """
    return column == any_(literal(sorted(values), ARRAY(column.type)))
