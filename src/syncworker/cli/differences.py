"""What differs between ledger and CRM: shown as far as people read, written to a file however many they are."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from syncworker.cli import output
from syncworker.cli.files import BY_EXCEL, file_to_write

if TYPE_CHECKING:
    from syncworker.sync.watch.audit import Difference

# A screen's worth; all of them are in the file.
_SHOWN = 50
_KEPT = 1000


class Differences:
    """Keeps the first of them, counts all, and writes each to a CSV file as it is found."""

    def __init__(self, file: Path | None) -> None:
        self._path = file
        self._open = ExitStack()
        self._file: TextIO | None = None
        self.first: list[Difference] = []
        self.number = 0

    def __enter__(self) -> Self:
        if self._path is not None:
            from syncworker.sync.watch.audit import Difference

            self._file = self._open.enter_context(file_to_write(self._path, encoding=BY_EXCEL))
            # Also where nothing differs: an empty file would say that nobody looked.
            csv.writer(self._file).writerow(field.name for field in fields(Difference))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> bool | None:
        return self._open.__exit__(kind, error, where)

    def note(self, one: Difference) -> None:
        """Take one in."""
        self.number += 1
        if len(self.first) < _KEPT:
            self.first.append(one)
        if self._file is not None:
            from syncworker.sync.lists.csv_lists import defused

            # What the CRM shows may be anybody's words.
            csv.writer(self._file).writerow(defused(str(value)) for value in astuple(one))

    def show(self) -> None:
        """Print the first of them as a table."""
        if not self.number:
            return
        columns = ("portal", "kind", "id", "property", "in the CRM", "in the ledger", "")
        rows = [(*astuple(one)[:-1], "under way" if one.under_way else "") for one in self.first[:_SHOWN]]
        output.table("differences", columns, rows, empty="")
        if self.number > _SHOWN:
            output.note(f"{self.number - _SHOWN} more: --csv FILE has all of them")
