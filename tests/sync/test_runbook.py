"""Whatever is found, blocked or parked is explained in the runbook."""

from __future__ import annotations

import re

import pytest

from support.runbook import PAGE, anchors, is_there
from syncworker.hubspot.errors import FixRequest, Gone, HubSpotError, RetryLater
from syncworker.sync.notices import terms
from syncworker.sync.notices.levels import WAIT_FOR_A_PERSON
from syncworker.sync.notices.sending import NotSent
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.reconcile.plan import DOES_NOT_KEEP
from syncworker.sync.watch import runbook
from syncworker.sync.watch.runbook import Section, Why


@pytest.mark.parametrize("section", Section)
def test_each_section_that_is_named_is_there(section: Section) -> None:
    assert is_there(section.link)


@pytest.mark.parametrize("reason", Blocked)
def test_each_reason_that_blocks_a_portal_has_a_section(reason: Blocked) -> None:
    assert is_there(runbook.of_block(reason))
    assert runbook.of_block(reason).endswith(f"#blocked-{reason}")


def test_a_reason_of_a_newer_version_leads_to_all_of_them() -> None:
    assert is_there(runbook.of_block("unheard of"))


def _answered(status: int) -> HubSpotError:
    return FixRequest("no", route="POST /x", status=status)


PARKED = [
    (DOES_NOT_KEEP, Section.NOT_KEPT),
    ("partner_registration_request is set, and HubSpot gives no history of it yet", Section.NO_HISTORY),
    (str(Gone("no such record", route="POST /x", status=404)), Section.GONE),
    (str(_answered(409)), Section.CONTENDED),
    (str(RetryLater("locked", route="POST /x", retry_after_s=2, status=423)), Section.CONTENDED),
    (str(_answered(400)), Section.REFUSED),
    (str(RetryLater("oh", route="POST /x", retry_after_s=2, status=502)), Section.HUBSPOT_FAILS),
    (str(RetryLater("reset", route="POST /x", retry_after_s=2)), Section.HUBSPOT_FAILS),
    (str(RetryLater("the answer is not JSON", route="POST /x", retry_after_s=2, status=200)), Section.HUBSPOT_FAILS),
    (str(NotSent("the mail server refuses the mail: 554 no")), Section.NOTICE),
    ("KeyError: 'id'", Section.OUR_MISTAKE),
    (None, Section.OUR_MISTAKE),
]


@pytest.mark.parametrize(("said", "section"), PARKED)
def test_each_text_that_parks_a_mark_has_a_section(said: str | None, section: Section) -> None:
    why = runbook.of_parked(said)
    assert why.section is section
    assert why.meaning
    assert why.what_now


def test_a_parked_mark_says_why_in_words() -> None:
    assert isinstance(runbook.of_parked("anything"), Why)
    assert {section for _, section in PARKED} == {section for section in Section if section.startswith("parked-")}


def test_a_notice_has_words_for_whatever_parks_a_mark_or_stops_a_portal() -> None:
    parks = {section.name.lower() for section in Section if section.startswith("parked-")}
    assert terms.PARKED.keys() == parks - {"notice"}
    assert terms.BLOCKS.keys() == {reason.value for reason in WAIT_FOR_A_PERSON}


def test_links_within_the_runbook_lead_somewhere() -> None:
    linked = set(re.findall(r"\]\(#([^)]+)\)", PAGE.read_text(encoding="utf-8")))
    assert linked <= anchors()
