"""How long does each page take with a hundred thousand registrations, and deregistering five thousand of them?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import text

from bench import full_portal, page_table
from bench.browsing import Costs, at_once, browsing, costs_of, one_at_a_time
from bench.figure import Figure, under
from bench.full_portal import ISLAND, InCrm
from bench.page_kinds import in_random_order, kinds
from bench.resync import pages as listed
from bench.resync import worker_settings
from bench.serving import running, serving
from bench.whole_path import whole_path
from support.processes import eventually
from support.rig import Rig
from support.sandbox_server import free_port
from syncworker.access import sessions, users
from syncworker.access.roles import Role
from syncworker.store.database import Tx
from syncworker.up.consumers import Consumers
from syncworker.web import cookies

PEOPLE = 4
GIVEN_UP = 5_000
MOST_JOB_S = 10.0
IN_CRM_WITHIN_S = 90.0
_EMAIL = "bench@acme-partner.se"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64}(?:\.[0-9]+)?)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A filled portal, its pages on a port, and what somebody sends who is signed in."""

    rig: Rig
    port: int
    headers: dict[str, str]
    costs: Costs
    last: InCrm
    """A lead that the CRM has."""


def pages(folder: Path, *, each: int) -> list[Figure]:
    """So many requests of each kind, one at a time and by several people; then a job, with a worker."""
    with _served(folder) as served:
        with served.rig.context.database.transaction() as tx:
            rows = tx.connection.execute(_SOME, {"hub": served.rig.hub}).all()
        asks = kinds([row.domain for row in rows], [str(served.last.contact_id)])
        # Templates are read when they are first needed, and so are many pages of the database.
        one_at_a_time(served.port, served.headers, in_random_order(asks, each=2), served.costs)
        alone = one_at_a_time(served.port, served.headers, in_random_order(asks, each=each), served.costs)
        together = at_once(served.port, served.headers, in_random_order(asks, each=max(1, each // 2)), people=PEOPLE)
        csv_s = _csv_seconds(served)
        page_table.write(alone, together)
        job_s, crm_s = _deregistered(served)
    registered = f"{full_portal.REGISTERED:,} registrations"
    return [
        *page_table.figures(alone, together, among=registered, people=PEOPLE),
        Figure(name=f"{registered} as CSV", value=full_portal.REGISTERED / csv_s, unit="lines/s"),
        Figure(
            name=f"{GIVEN_UP:,} leads deregistered by one dialog, until its bar is full",
            value=job_s,
            unit="s",
            **under(MOST_JOB_S, job_s, " s"),
        ),
        Figure(name="the same, until the CRM shows it of the last one", value=crm_s, unit="s"),
    ]


# Any of them, the same each time.
_SOME = text("""
    SELECT domain FROM lead_lines WHERE hub_id = :hub AND state = 'registered' AND registration_id % 2711 = 7 LIMIT 40
""")


@contextmanager
def _served(folder: Path) -> Iterator[Served]:
    with whole_path(folder, capacity=full_portal.REGISTERED, durable=True) as rig:
        rig.sandbox.seed(contacts=GIVEN_UP, companies=GIVEN_UP, portal=rig.hub)
        in_crm = _in_crm(rig)
        full_portal.fill(str(rig.settings.database_url), rig.hub, in_crm)
        port = free_port()
        settings = {**worker_settings(rig), "SYNCWORKER_PORT": str(port), "SYNCWORKER_DATA_DIR": str(folder / "data")}
        with serving(["-m", "syncworker.cli", "web"], settings, f"http://127.0.0.1:{port}/health/live") as web:
            postgres = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
            last = next(lead for lead in reversed(in_crm) if lead.contact_id)
            costs = costs_of(web.pid, postgres)
            yield Served(rig=rig, port=port, headers=_signed_in(rig), costs=costs, last=last)


def _in_crm(rig: Rig) -> list[InCrm]:
    """Each company of the CRM as a lead, with one of its contacts where it has any."""
    contact_of: dict[str, str] = {}
    for page in listed(rig, "contacts", ["email"], "&associations=companies"):
        for contact in page:
            for company in contact.get("associations", {}).get("companies", {}).get("results", []):
                contact_of.setdefault(company["id"], contact["id"])
    return [
        InCrm(
            domain=company["properties"]["domain"], company_id=company["id"], contact_id=contact_of.get(company["id"])
        )
        for page in listed(rig, "companies", ["domain"], "")
        for company in page
    ]


def _signed_in(rig: Rig) -> dict[str, str]:
    """The headers of an operator who reads Swedish."""

    def begin(tx: Tx) -> str:
        user = users.find(tx, _EMAIL) or users.add(tx, _EMAIL, role=Role.OPERATOR, password=None, who="bench")
        return sessions.begin(tx, user).id

    key = rig.context.secrets.session_key
    kept = cookies.signed(key, cookies.SESSION, rig.context.database.run(begin))
    return {
        "Cookie": f"{cookies.SESSION}={kept}; {cookies.PORTAL}={rig.hub}",
        "Accept": "text/html",
        "Accept-Language": "sv",
    }


def _csv_seconds(served: Served) -> float:
    with browsing(served.port, served.headers) as reader:
        began = time.perf_counter()
        status, content = reader.get("/leads/registered.csv")
        assert (status, content.count(b"\r\n")) == (200, full_portal.REGISTERED + 1), status
        return time.perf_counter() - began


def _deregistered(served: Served) -> tuple[float, float]:
    """Seconds from saying yes to a full bar, and until the CRM shows it."""
    worker = Consumers(str(served.rig.settings.redis_url), processes=1)
    worker.are_ready()
    arguments = ["-m", "dramatiq", "actors", "--processes", "1", "--threads", "8", "--worker-shutdown-timeout", "5000"]
    with running(arguments, worker_settings(served.rig)), browsing(served.port, served.headers) as reader:
        eventually(worker.are_ready, seconds=60, what="a worker")
        found = _TOKEN.search(reader.get("/capacity")[1].decode())
        assert found, "the page has no form"
        form = {"csrf": found[1], "q": ISLAND, "every": "1", "seen": GIVEN_UP, "key": "5" * 32}
        began = time.perf_counter()
        status, told = reader.post("/capacity/deregister/yes", urlencode(form))
        assert status == 303, (status, told)
        job = told.partition("job=")[2].partition("&")[0]
        # Its bar, as the page asks for it; where it is full, the answer leads back.
        eventually(lambda: reader.get(f"/jobs/{job}")[0] == 303, seconds=60, what="the job")
        job_s = time.perf_counter() - began
        eventually(lambda: _is_shown(served), seconds=IN_CRM_WITHIN_S, what="the CRM")
        return job_s, time.perf_counter() - began


def _is_shown(served: Served) -> bool:
    """Whether nothing is left to be looked at of what was deregistered, and the CRM shows it."""
    with served.rig.context.database.transaction() as tx:
        left = tx.connection.execute(_LEFT, {"hub": served.rig.hub}).scalar_one()
    found = served.rig.sandbox.record(served.rig.hub, "companies", served.last.company_id)
    return not left and found["properties"].get("partner_registration_status") == "deregistered"


# Of the records themselves. Whether there are others on each domain is searched in the CRM, five a second.
_LEFT = text("""
    SELECT count(*) FROM marks
     WHERE hub_id = :hub AND parked_at IS NULL AND cause LIKE 'job%' AND kind IN ('contact', 'company')
""")
