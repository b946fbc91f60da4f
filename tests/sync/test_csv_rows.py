"""Does no file come in as fewer rows than it has because a quotation mark is missing?"""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworker.registration.rules.domain_rules import domain_rules
from syncworker.sync.csv_rows import NeverClosed, whole_rows
from syncworker.sync.jobs import lead_rows
from syncworker.sync.jobs.lead_rows import BadLeadFile
from syncworker.sync.portals.takeover import BadFile, rows_of

CELLS = st.lists(st.lists(st.text("a\"',;\r\n =", max_size=6), min_size=1, max_size=3), max_size=6)


def read(text: str) -> list[tuple[int, list[str]]]:
    return list(whole_rows(StringIO(text, newline=""), separator=","))


@given(rows=CELLS)
def test_what_was_written_as_csv_is_read_as_it_was(rows: list[list[str]]) -> None:
    written = StringIO(newline="")
    csv.writer(written).writerows(rows)
    assert [cells for _, cells in read(written.getvalue())] == rows


def test_a_cell_may_have_several_lines_and_quotes_within_it() -> None:
    assert read('a,b\n1,"two\nlines"\n2,5" wide\n') == [
        (1, ["a", "b"]),
        (3, ["1", "two\nlines"]),
        (4, ["2", '5" wide']),
    ]


@pytest.mark.parametrize("rest", ['"', '"never closed', '"he said ""no""'])
def test_a_quote_that_nothing_closes_swallows_nothing(rest: str) -> None:
    lines = ["email,note", "ada@acme.se,", f"bo@beta.se,{rest}", "eva@eken.se,", "ida@ida.se,"]
    with pytest.raises(NeverClosed) as refused:
        read("\n".join(lines))
    assert refused.value.line == 3
    with pytest.raises(BadLeadFile, match="line 3"):
        lead_rows.read("\n".join(lines).encode(), "leads.csv", domain_rules())
    lines[0] = "domain,kind"
    with pytest.raises(BadFile, match="line 3"):
        rows_of("\n".join(lines).encode(), "holds.csv", ("domain", "kind"), required=("domain",))
