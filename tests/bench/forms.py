"""How long after a form is submitted does the CRM show the registration: alone, and while a resync runs?"""

from __future__ import annotations

from acceptance.test_form_to_crm import latencies
from bench.figure import Figure, at_most
from support.whole import Whole, whole

FORMS = 100
GAP_S = 0.1
# The first seconds of new processes go into what each of them imports, compiles and connects to, once.
WARM_UP = range(1000, 1030)
WORKERS = 4
ALONE_S, DURING_RESYNC_S = 2.0, 3.0


def forms(*, resync_of: int) -> list[Figure]:
    """A hundred forms, ten a second, through all processes of `syncworker up`; then again during a full resync.

    Thirty others go before them.
    """
    with whole("--worker-processes", str(WORKERS), partner_capacity=1000) as run:
        latencies(run, WARM_UP, gap=GAP_S)
        alone = latencies(run, range(FORMS), gap=GAP_S)
        run.sandbox.seed(contacts=resync_of, companies=resync_of // 10, portal=run.hub)
        resync_id = run.api("POST", "/resyncs", json={"all": True})["id"]
        # Not before it is at it
        run.until(lambda: _listed(run, resync_id) > 0, seconds=60)
        during = latencies(run, range(FORMS, 2 * FORMS), gap=GAP_S)
        listed = _listed(run, resync_id)
        still = run.api("GET", f"/resyncs/{resync_id}")["state"] == "running"
    whole_time = "" if still else ", which ended before the last form"
    beside = f"during a full resync of {resync_of:,} contacts ({listed:,} listed meanwhile{whole_time})"
    return [
        *_figures(f"form to CRM, {WORKERS} worker processes", alone, most_s=ALONE_S),
        *_figures(f"form to CRM {beside}", during, most_s=DURING_RESYNC_S),
    ]


def _listed(run: Whole, resync_id: int) -> int:
    return int(run.api("GET", f"/resyncs/{resync_id}")["listed"])


def _figures(name: str, took: list[float], *, most_s: float) -> list[Figure]:
    p50, p95 = took[len(took) // 2 - 1], took[len(took) * 95 // 100 - 1]
    return [
        Figure(name=f"{name}, p50", value=p50, unit="s"),
        Figure(name=f"{name}, p95", value=p95, unit="s", **at_most(most_s, p95, " s")),
    ]
