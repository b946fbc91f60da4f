"""How long after a form is submitted does the CRM show the registration?"""

from __future__ import annotations

from acceptance.test_form_to_crm import latencies
from bench.figure import Figure
from support.whole import whole


def forms() -> list[Figure]:
    """A hundred forms, ten a second, through all processes of `syncworker up`."""
    with whole(partner_capacity=1000) as run:
        took = latencies(run, range(100), gap=0.1)
    p50, p95 = took[49], took[94]
    return [
        Figure(name="form to CRM, p50", value=p50, unit="s", target="", met=True),
        Figure(name="form to CRM, p95", value=p95, unit="s", target="at most 2 s", met=p95 <= 2),
    ]
