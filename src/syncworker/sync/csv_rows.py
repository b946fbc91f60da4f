"""Which rows does a CSV file have, when a quotation mark in it may be missing?

Python's reader takes all that follows a quote that is never closed for one cell, to the end of the file, and says
nothing: a file of a thousand rows would come in as ten.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator


class NeverClosed(csv.Error):
    """A quotation mark opens a cell that the file does not close."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"a quotation mark that opens in line {line} is never closed")


def whole_rows(lines: Iterable[str], *, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the line that it ends in, as an editor counts them. Raises csv.Error, NeverClosed."""
    row: list[str] = []

    def kept() -> Iterator[str]:
        for line in lines:
            row.append(line)
            yield line

    reader = csv.reader(kept(), delimiter=separator)
    for cells in reader:
        # What stands behind a row that is whole is a row of its own. Few rows have more lines than one.
        if len(row) > 1 and len(list(csv.reader([*row, "x"], delimiter=separator))) == 1:
            raise NeverClosed(reader.line_num - len(row) + 1)
        row.clear()
        yield reader.line_num, cells
