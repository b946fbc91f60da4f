"""Is what is asked for many leads done to each of them, once, whoever dies meanwhile, and told what came of it?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from support.locked import while_it_waits
from support.rig import Rig
from syncworker.registration.ledger import overdue, registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.sync import operations
from syncworker.sync.jobs import job, job_work, lead_file
from syncworker.sync.jobs.job import Job, JobAction, NotToUndo, Outcome, TooManyDomains, UnknownJob
from syncworker.sync.lists import lead_list
from syncworker.sync.lists.lead_list import Leads, View
from syncworker.sync.portals import pausing
from syncworker.sync.sweep import due
from syncworker.sync.turns import job_turn
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.watch.clock_skew import steady_s
from web.deployment import HUB, OTHER_HUB, Deployment

WHO = "marta@acme-partner.se"


def many(deployment: Deployment, count: int) -> list[str]:
    """So many registered domains."""
    with deployment.database.transaction() as tx:
        tx.connection.execute(
            text("""
                INSERT INTO registrations (partner_id, domain, hub_id, contact_id, company_id, source, registered_on,
                                           expires_on, expires_at, created_at)
                SELECT 1, 'firma-' || n || '.se', :hub, n::text, n::text, 'form', current_date, current_date + 365,
                       now() + interval '366 days', now() FROM generate_series(1, :count) AS n
            """),
            {"hub": HUB, "count": count},
        )
    return [f"firma-{n}.se" for n in range(1, count + 1)]


def start(deployment: Deployment, action: JobAction, domains: list[str], *, key: str = "k") -> Job:
    return job.start(deployment.context, HUB, action, domains, who=WHO, source=Source.APP, key=key)


def finished(deployment: Deployment, of: Job) -> Job:
    while job_work.continue_jobs(deployment.context, HUB):
        pass
    with deployment.database.transaction() as tx:
        return job.show(tx, HUB, of.id)


def one_batch(deployment: Deployment) -> bool:
    return job_work.continue_jobs(deployment.context, HUB)


def active(deployment: Deployment) -> int:
    with deployment.database.transaction() as tx:
        return lead_list.count(tx, HUB, Leads.REGISTERED)


def outcomes(deployment: Deployment, of: Job) -> dict[str, Outcome | None]:
    with deployment.database.transaction() as tx:
        return {item.domain: item.outcome for item in job.items(tx, HUB, of.id)}


def test_all_that_match_are_deregistered_and_taken_back_by_one_undo(deployment: Deployment) -> None:
    many(deployment, 1_100)
    deployment.registered("other.se")
    with deployment.database.transaction() as tx:
        domains = lead_list.domains(tx, HUB, Leads.REGISTERED, View(q="firma"))
    begun = start(deployment, JobAction.DEREGISTER, domains)
    assert (begun.total, begun.done, begun.is_finished) == (1_100, 0, False)
    done = finished(deployment, begun)
    assert (done.outcomes, done.is_finished, active(deployment)) == ({Outcome.DONE: 1_100}, True, 1)
    assert done.undo_until is not None
    # Each is told to the history, by whom it was, and its records are looked at again
    history = deployment.rows(text("SELECT count(*), min(p.name) FROM history LEFT JOIN persons p ON p.id = person_id"
                                   " WHERE event = 'deregistered'"))  # fmt: skip
    assert [tuple(row) for row in history] == [(1_100, WHO)]
    assert deployment.rows(text("SELECT count(*) FROM marks WHERE kind = 'contact'"))[0][0] == 1_100
    back = job.undo(deployment.context, HUB, done.id, who=WHO, source=Source.APP)
    assert job.undo(deployment.context, HUB, done.id, who=WHO, source=Source.APP).id == back.id
    assert finished(deployment, back).outcomes == {Outcome.DONE: 1_100}
    with deployment.database.transaction() as tx:
        assert job.show(tx, HUB, done.id).undo_until is None
    assert active(deployment) == 1_101


def test_each_domain_says_why_it_was_not_done(deployment: Deployment) -> None:
    many(deployment, 3)
    deployment.portal(OTHER_HUB, partner="Other")
    deployment.registered("theirs.se", hub_id=OTHER_HUB)
    # Somebody was quicker
    operations.deregister(deployment.context, HUB, "firma-2.se", who="other", source=Source.APP)
    begun = start(deployment, JobAction.DEREGISTER, ["firma-1.se", "firma-2.se", "theirs.se", "never.se", "firma-1.se"])
    assert begun.total == 4
    finished(deployment, begun)
    assert outcomes(deployment, begun) == {
        "firma-1.se": Outcome.DONE,
        "firma-2.se": Outcome.NOT_REGISTERED,
        "theirs.se": Outcome.NOT_REGISTERED,
        "never.se": Outcome.NOT_REGISTERED,
    }
    # I expect the other partner's to stand
    with deployment.database.transaction() as tx:
        assert registrations.held_on(tx, ["theirs.se"])["theirs.se"].is_active
        with pytest.raises(UnknownJob):
            job.show(tx, OTHER_HUB, begun.id)
        assert [one.id for one in job.newest(tx, HUB)] == [begun.id]
        assert job.newest(tx, OTHER_HUB) == []


def test_the_undo_of_a_job_leaves_what_somebody_gave_up_before(deployment: Deployment) -> None:
    domains = many(deployment, 2)
    operations.deregister(deployment.context, HUB, "firma-1.se", who="other", source=Source.APP)
    done = finished(deployment, start(deployment, JobAction.DEREGISTER, domains))
    finished(deployment, job.undo(deployment.context, HUB, done.id, who=WHO, source=Source.APP))
    with deployment.database.transaction() as tx:
        assert lead_list.domains(tx, HUB, Leads.REGISTERED, View()) == ["firma-2.se"]


def test_the_undo_of_a_job_leaves_what_somebody_gave_up_anew_afterwards(deployment: Deployment) -> None:
    done = finished(deployment, start(deployment, JobAction.DEREGISTER, many(deployment, 2)))
    operations.undo(deployment.context, HUB, "firma-1.se", who="other", source=Source.APP)
    operations.deregister(deployment.context, HUB, "firma-1.se", who="other", source=Source.APP)
    back = finished(deployment, job.undo(deployment.context, HUB, done.id, who=WHO, source=Source.APP))
    assert outcomes(deployment, back) == {"firma-1.se": Outcome.NOT_REGISTERED, "firma-2.se": Outcome.DONE}
    with deployment.database.transaction() as tx:
        assert lead_list.domains(tx, HUB, Leads.REGISTERED, View()) == ["firma-2.se"]


def test_a_job_that_goes_on_or_deregistered_nothing_is_not_undone(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_work, "BATCH", 1)
    domains = many(deployment, 2)
    begun = start(deployment, JobAction.DEREGISTER, domains)
    job_work.continue_jobs(deployment.context, HUB)
    with pytest.raises(NotToUndo, match="when it is"):
        job.undo(deployment.context, HUB, begun.id, who=WHO, source=Source.APP)
    with deployment.database.transaction() as tx:
        assert job.show(tx, HUB, begun.id).undo_until is None
    finished(deployment, begun)
    # All of it, then: nothing was left out by having asked too early
    back = finished(deployment, job.undo(deployment.context, HUB, begun.id, who=WHO, source=Source.APP))
    assert back.outcomes == {Outcome.DONE: 2}
    renewed = finished(deployment, start(deployment, JobAction.RENEW, domains, key="other"))
    with pytest.raises(NotToUndo, match="deregistered nothing"):
        job.undo(deployment.context, HUB, renewed.id, who=WHO, source=Source.APP)


def test_after_its_time_a_job_cannot_be_undone(deployment: Deployment) -> None:
    done = finished(deployment, start(deployment, JobAction.DEREGISTER, many(deployment, 2)))
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE registrations SET undo_until = now() - interval '1 second'"))
        tx.connection.execute(text("UPDATE jobs SET undo_until = now() - interval '1 second'"))
        assert job.show(tx, HUB, done.id).undo_until is None
    late = finished(deployment, job.undo(deployment.context, HUB, done.id, who=WHO, source=Source.APP))
    assert late.outcomes == {Outcome.TOO_LATE: 2}


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_work, "BATCH", 2)
    domains = many(deployment, 5)
    begun = start(deployment, JobAction.DEREGISTER, domains)
    assert start(deployment, JobAction.DEREGISTER, domains).id == begun.id
    assert job_work.continue_jobs(deployment.context, HUB)
    with deployment.database.transaction() as tx:
        half = job.show(tx, HUB, begun.id)
        # Nobody rang for what is left, and the sweep finds it
        assert Ring(Bell.DO_JOBS, HUB) in due(tx)
        # While somebody is at it, a second worker leaves it alone
        tx.connection.execute(text("SELECT FROM jobs FOR UPDATE"))
        assert not job_work.continue_jobs(deployment.context, HUB)
    assert (half.done, half.is_finished, half.outcomes) == (2, False, {Outcome.DONE: 2})
    finished(deployment, begun)
    assert deployment.rows(text("SELECT count(*) FROM history WHERE event = 'deregistered'"))[0][0] == 5
    with deployment.database.transaction() as tx:
        assert Ring(Bell.DO_JOBS, HUB) not in due(tx)


def test_a_paused_portal_has_nothing_done(deployment: Deployment) -> None:
    begun = start(deployment, JobAction.DEREGISTER, many(deployment, 1))
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET mode = 'paused'"))
    assert finished(deployment, begun).done == 0


def test_a_job_that_waited_for_the_partner_while_its_portal_was_paused_does_nothing(deployment: Deployment) -> None:
    begun = start(deployment, JobAction.DEREGISTER, many(deployment, 2))
    # Given that a batch has read the mode, and waits for the partner's lock, while a person pauses
    with while_it_waits(deployment.database, HUB, lambda: job_work.continue_jobs(deployment.context, HUB)) as (
        tx,
        working,
    ):
        portals.pause(tx, HUB, who="eva", reason="")
    assert not working.result(30)
    # I expect it to go on when the pause is over
    assert (active(deployment), finished(deployment, begun).done) == (2, 0)
    pausing.unpause(deployment.context, HUB, who="eva", source=Source.APP)
    assert finished(deployment, begun).outcomes == {Outcome.DONE: 2}


@pytest.mark.parametrize("wrong", ["tier = 'gone', capacity = NULL", "program = 'nosuch'"])
def test_a_job_that_meets_wrong_settings_waits_and_says_so(deployment: Deployment, wrong: str) -> None:
    begun = start(deployment, JobAction.DEREGISTER, many(deployment, 1))
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql(f"UPDATE partners SET {wrong}")
    assert not job_turn(deployment.context, HUB)
    assert not job_turn(deployment.context, HUB)
    with deployment.database.transaction() as tx:
        assert portals.get(tx, HUB).blocked_reason == "settings"
        tx.connection.exec_driver_sql("UPDATE partners SET tier = 'gold', program = 'hubspot-solutions-partner'")
    assert finished(deployment, begun).outcomes == {Outcome.DONE: 1}


def test_a_slot_that_a_job_frees_is_given_away_by_the_capacity_of_that_moment(deployment: Deployment) -> None:
    deployment.portal(capacity=1)
    domains = many(deployment, 1)
    waits = deployment.asked("7", state=State.WAITING, domain="waits.se")
    begun = start(deployment, JobAction.DEREGISTER, domains)
    deployment.context.settings = deployment.context.settings.model_copy(update={"undo_seconds": 0})
    # Given that the capacity is lowered while a batch waits for the partner's lock
    with while_it_waits(deployment.database, HUB, lambda: job_work.continue_jobs(deployment.context, HUB)) as (
        tx,
        working,
    ):
        tx.connection.execute(text("UPDATE partners SET capacity = 0"))
    assert working.result(30)
    assert finished(deployment, begun).outcomes == {Outcome.DONE: 1}
    with deployment.database.transaction() as tx:
        assert (registrations.held_by(tx, 1), asked.get(tx, waits).state) == (set(), State.WAITING)


def test_the_jobs_of_a_portal_are_done_in_their_order(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_work, "BATCH", 1)
    domains = many(deployment, 2)
    with deployment.database.transaction() as tx:
        held = job.in_order(domains)
        job.add(tx, HUB, JobAction.DEREGISTER, held, who=WHO, source=Source.APP, key="held", held=True)
    first = start(deployment, JobAction.LET_EXPIRE, domains, key="first")
    second = start(deployment, JobAction.RENEW, domains, key="second")
    # Given that a worker is in the middle of the first one that somebody said go for
    assert job_work.continue_jobs(deployment.context, HUB)
    with deployment.database.transaction() as tx:
        assert job.show(tx, HUB, first.id).done == 1
        tx.connection.execute(text("SELECT FROM jobs WHERE id = :id FOR UPDATE"), {"id": first.id})
        # I expect another worker to leave the second one alone meanwhile
        assert not job_work.continue_jobs(deployment.context, HUB)
        assert job.show(tx, HUB, second.id).done == 0
    assert finished(deployment, second).outcomes == {Outcome.DONE: 2}
    assert deployment.rows(text("SELECT count(*) FROM registrations WHERE renew_at_expiry"))[0][0] == 2


def test_a_file_that_somebody_says_go_for_is_done_after_what_was_asked_for_before(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_work, "BATCH", 1)
    domains = many(deployment, 2)
    # Given a file that is looked at while its leads are given up, and that the second of them is not given up yet
    content = b"contact_id\n1\n2"
    file = lead_file.upload(deployment.context, HUB, content, name="leads.csv", who=WHO)
    given_up = start(deployment, JobAction.DEREGISTER, domains)
    assert one_batch(deployment)
    # When somebody says go for the file, and for another thing afterwards
    lead_file.take(deployment.context, HUB, file.id)
    later = start(deployment, JobAction.RENEW, domains, key="later")
    order = []
    while one_batch(deployment):
        with deployment.database.transaction() as tx:
            order += [of.id for of in (file, given_up, later) if job.show(tx, HUB, of.id).is_finished]
    # Then each came after what was asked for before it
    assert list(dict.fromkeys(order)) == [given_up.id, file.id, later.id]
    assert set(outcomes(deployment, file).values()) == {Outcome.DONE}


def test_what_is_over_is_asked_for_again_before_anybody_noted_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "OVERDUE_AT_ONCE", 1)
    domains = many(deployment, 2)
    over = "UPDATE registrations SET expires_at = now() - interval '1 hour' * id"
    with deployment.database.transaction() as tx:
        tx.connection.execute(text(over))
    begun = start(deployment, JobAction.REGISTER_AGAIN, domains)
    assert finished(deployment, begun).outcomes == {Outcome.DONE: 2}


def test_what_is_over_is_not_renewed_by_a_job_that_comes_too_late(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "OVERDUE_AT_ONCE", 1)
    # Given that HubSpot has told what time it is
    deployment.context.hubspot_clock.heard(datetime.now(UTC), at_s=steady_s())
    domains = many(deployment, 2)
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE registrations SET expires_at = now() - interval '1 hour' * (9 - id)"))
    begun = start(deployment, JobAction.RENEW, domains)
    assert finished(deployment, begun).outcomes == {Outcome.NOT_REGISTERED: 2}


def test_renewal_is_switched_for_many(deployment: Deployment) -> None:
    domains = many(deployment, 3)
    operations.set_renewal(deployment.context, HUB, domains[0], renew=True, who=WHO)
    on = start(deployment, JobAction.RENEW, [*domains, "never.se"])
    assert finished(deployment, on).outcomes == {Outcome.DONE: 2, Outcome.ALREADY: 1, Outcome.NOT_REGISTERED: 1}
    assert deployment.rows(text("SELECT count(*) FROM registrations WHERE renew_at_expiry"))[0][0] == 3
    off = start(deployment, JobAction.LET_EXPIRE, domains, key="off")
    assert finished(deployment, off).outcomes == {Outcome.DONE: 3}


def test_confirmations_are_said_of_many_where_hubspot_is_the_authority(deployment: Deployment) -> None:
    domains = many(deployment, 2)
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE registrations SET confirmation = 'unconfirmed' WHERE domain = 'firma-1.se'"))
    said = finished(deployment, start(deployment, JobAction.CONFIRM, domains))
    assert said.outcomes == {Outcome.DONE: 1, Outcome.NOT_IN_HUBSPOT: 1}
    said = finished(deployment, start(deployment, JobAction.CONTRADICT, domains[:1], key="no"))
    assert said.outcomes == {Outcome.DONE: 1}


def test_what_expired_is_asked_for_again_by_its_contact(deployment: Deployment) -> None:
    domains = many(deployment, 3)
    over = "UPDATE registrations SET ended_at = now(), end_reason = 'expired' WHERE domain <> 'firma-3.se'"
    with deployment.database.transaction() as tx:
        tx.connection.execute(text(over))
        tx.connection.execute(text("UPDATE registrations SET contact_id = NULL WHERE domain = 'firma-2.se'"))
    begun = start(deployment, JobAction.REGISTER_AGAIN, [*domains, "never.se"])
    finished(deployment, begun)
    assert outcomes(deployment, begun) == {
        "firma-1.se": Outcome.DONE,
        "firma-2.se": Outcome.NO_CONTACT,
        "firma-3.se": Outcome.REGISTERED,
        "never.se": Outcome.NO_CONTACT,
    }
    new = deployment.rows(text("SELECT contact_id, state, source, who FROM requests"))
    assert [tuple(row) for row in new] == [("1", State.PROCESSING, "app", WHO)]


def test_more_than_can_be_done_at_once_is_refused(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "MOST_DOMAINS", 1)
    with pytest.raises(TooManyDomains, match="narrow the search"):
        start(deployment, JobAction.DEREGISTER, ["a.se", "b.se"])
    nothing = start(deployment, JobAction.DEREGISTER, [])
    assert nothing.is_finished


def test_the_crm_shows_what_a_job_did_and_the_brake_knows_that_a_person_meant_it(make_rig: object) -> None:
    rig: Rig = make_rig()  # type: ignore[operator] # the fixture of tests/sync/conftest.py
    emails = [f"ada@firma-{n}.se" for n in range(22)]
    for n, email in enumerate(emails):
        rig.submit(email, website=f"https://www.firma-{n}.se", company=f"Firma {n}")
    rig.settle()
    domains = [registration.domain for registration in rig.registrations()]
    assert len(domains) == len(emails)
    begun = job.start(rig.context, rig.hub, JobAction.DEREGISTER, domains, who=WHO, source=Source.APP, key="k")
    rig.settle()
    with rig.context.database.transaction() as tx:
        assert job.show(tx, rig.hub, begun.id).outcomes == {Outcome.DONE: len(emails)}
    assert {rig.status(email)[0] for email in emails} == {"deregistered"}
