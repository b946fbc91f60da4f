"""A form is submitted, and the CRM shows the registration: with webhooks, without, and in both spellings."""

from __future__ import annotations

import time

import pytest

from support.whole import Whole, whole

pytestmark = pytest.mark.acceptance


def latencies(run: Whole, numbers: range, *, gap: float) -> list[float]:
    """Seconds from each submission to the contact and its company showing it, sorted."""
    submitted: dict[str, float] = {}
    shown: dict[str, float] = {}
    numbers_left = list(numbers)
    deadline = time.monotonic() + 90
    following = time.monotonic()
    while len(shown) < len(numbers):
        assert time.monotonic() < deadline, (len(shown), run.said())
        if numbers_left and time.monotonic() >= following:
            submitted_at = time.monotonic()
            submitted[run.submit(numbers_left.pop(0))] = submitted_at
            following = submitted_at + gap
        for email in submitted.keys() - shown.keys():
            if run.status(email) == "registered":
                domain = email.partition("@")[2]
                company = run.sandbox.by_domain(run.hub, domain)
                if company and company["properties"].get("partner_registration_status") == "registered":
                    shown[email] = time.monotonic()
    return sorted(shown[email] - submitted[email] for email in shown)


@pytest.mark.parametrize("version", ["2026-09", "v3"])
def test_p95_of_a_hundred_forms_is_two_seconds_at_most(version: str) -> None:
    with whole(hubspot_api_version=version, partner_capacity=1000) as run:
        took = latencies(run, range(100), gap=0.15)
        print(f"form to CRM, API {version}: p50 {took[49]:.2f} s, p95 {took[94]:.2f} s, most {took[-1]:.2f} s")
        assert took[94] <= 2.0, took
        # and the last one shows everything
        contact = run.contact("ada@firma-99-ab.se")
        assert contact["partner_registered_domain"] == "firma-99-ab.se"
        assert contact["partner_registration_source"] == "form"
        assert contact["partner_registered_on"] < contact["partner_registration_expires_on"]
        # and HubSpot never had to refuse a call
        assert run.sandbox.stats()["rate_limited"] == 0
        # When every webhook is lost
        run.sandbox.faults(webhooks={"lost": 1.0})
        began = time.monotonic()
        email = run.submit(1000)
        run.until(lambda: run.status(email) == "registered", seconds=65)
        print(f"without webhooks: {time.monotonic() - began:.1f} s")


def test_when_every_webhook_is_lost_the_poll_interval_and_five_seconds_are_enough() -> None:
    with whole(poll_seconds=5, partner_capacity=1000) as run:
        run.sandbox.faults(webhooks={"lost": 1.0})
        took = latencies(run, range(100), gap=0.15)
        print(f"form to CRM, webhooks lost, polled every 5 s: p50 {took[49]:.2f} s, p95 {took[94]:.2f} s")
        assert took[94] <= 10.0, took
