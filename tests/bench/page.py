"""How are the figures told to a reader?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.figure import Figure

_METHOD = """
## How it is measured

Every floor is measured in the same run, beside the figure, so that a slow machine slows both; figures and floors take
turns where they are short. PostgreSQL, Valkey and the sandbox are real and on the same machine, PostgreSQL with `fsync`
on; what the load generator and the sandbox take of two cores is missing for the rest.

- **Webhooks.** The web process as `Procfile` runs it, and a load generator in a process of its own: ten connections,
  each of which sends its next request when the last one is answered; signed bodies of about 32 kB. The floor is
  uvicorn with the same settings, an application of a few lines, ten database connections in autocommit, and one
  `INSERT` of the body. Median of three rounds. No worker runs meanwhile.
- **Batches.** Calls, and the whole of a reconcile, through the sandbox over HTTP; its floor is `urllib3` and `json`
  making the same calls.
- **Resync.** A full resync of 10,000 contacts in a process of its own, against `urllib3` and `json` paging the same
  sandbox, and against the official client's typed `get_all`; the quota off. Where nothing differs, the round in the
  middle of three: the first one after everything was written decides each record once more, the others know again
  what was right. Memory is the highest of that process.
- **Polls.** A mass edit of 39,000 contacts and the echoes of our own writes; all looks, until the last has seen it.
- **Quota.** Four processes that call as fast as the shared limiter lets them, against the sandbox's own account of it.
- **Ledger.** A hundred leads with their requests: locked, decided, given their slots, told to the history, committed.
  The rows are spread over partners with 50 to 5,000 active registrations, four of ten rows active; each round is
  another partner's. The floor is one `INSERT` of a hundred such rows.
- **Claims.** Marks of one portal, nine tenths of them backed off for hours; median of 21 looks, commit included.
- **Recovery.** All processes of `syncworker up` with four worker processes; ten forms within a second, and in the
  middle of them a `kill -9`; seconds from the kill until the CRM shows all ten.
- **Pages.** The web process over 100,000 registrations of one partner, with 20,000 leads that wait, 10,000 refused or
  incomplete and 10,000 expired; whole pages and lists, each searched and sorted in every way, in random order and in
  Swedish, after each kind was asked for twice. Then a manager deregisters 5,000 by one dialog, with one worker.
  `build/pages.json` says of each request how much of it the web process and PostgreSQL worked.
- **Forms.** All processes of `syncworker up` with four worker processes; a hundred forms, ten a second; seconds from
  the submission to contact and company showing the registration. Then the same while a full resync runs.

`make bench` measures all of it and rewrites this page; `QUICK=1 make bench` takes smaller sizes. A resync of a million
contacts, killed twenty times, is measured apart: `PYTHONPATH=tests python -m bench million`.
"""


def write_page(figures: Sequence[Figure], path: Path, *, machine: str, day: date, picture: str) -> None:
    """Write the table, the picture and the method."""
    lines = ["# Benchmark", "", f"Written by `make bench` on {day}: {machine}.", ""]
    lines += ["| figure | value | floor | ratio | target | met |", "| --- | ---: | ---: | ---: | --- | --- |"]
    lines += ["| " + " | ".join(figure.row()) + " |" for figure in figures]
    lines += ["", f"![cost against size]({picture})", _METHOD.rstrip()]
    path.write_text("\n".join(lines) + "\n")
