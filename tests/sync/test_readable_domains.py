"""A domain with letters beyond ASCII is found by how it is read, and by how it is kept."""

from __future__ import annotations

import idna
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from support.rig import Rig
from syncworker.registration.rules.terms import HoldKind
from syncworker.sync import operations
from syncworker.sync.lists import lead_list
from syncworker.sync.lists.hold_list import hold_lines
from syncworker.sync.lists.lead_list import Leads, View

KEPT = "xn--rksmrgs-5wao1o.se"


def test_a_registered_lead_and_a_hold_are_found(rig: Rig) -> None:
    rig.submit("ada@xn--rksmrgs-5wao1o.se", website="https://www.räksmörgås.se/om")
    rig.settle()
    operations.add_hold(rig.context, KEPT, HoldKind.EXISTING_CUSTOMER, who="t")
    with rig.context.database.transaction() as tx:
        for typed in ("räksmörgås.se", "räksm", "RAKSMORGAS", KEPT, "rksmrgs-5w"):
            found = lead_list.leads(tx, rig.hub, Leads.REGISTERED, View(q=typed)).items
            assert [one.domain for one in found] == [KEPT], typed
        for typed in ("räksmörgås.se", "Räksm", KEPT):
            assert [one.domain for one in hold_lines(tx, q=typed).items] == [KEPT], typed


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    label=st.text(
        st.characters(min_codepoint=97, max_codepoint=0x2FFF, categories=["Ll", "Lo"]), min_size=1, max_size=20
    )
)
def test_the_database_reads_labels_as_the_library_does(rig: Rig, label: str) -> None:
    encoded = label.encode("punycode").decode("ascii")
    with rig.context.database.transaction() as tx:
        read = tx.connection.execute(text("SELECT punycode_decoded(:label)"), {"label": encoded}).scalar_one()
    assert read == label
    assert idna.encode("räksmörgås").decode() == KEPT.removesuffix(".se")


def test_what_is_no_label_is_left_as_it_is(rig: Rig) -> None:
    with rig.context.database.transaction() as tx:
        for odd in ("", "-", "9" * 20, "z" * 16, "a-ä", "---", "a-9999999"):
            domain = {"domain": f"xn--{odd}.se"}
            read = tx.connection.execute(text("SELECT unicode_domain(:domain)"), domain).scalar_one()
            assert isinstance(read, str), odd
