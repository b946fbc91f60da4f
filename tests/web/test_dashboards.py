"""What is shown and alarmed about is what a scrape tells, and each alarm leads to the runbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import httpx
import yaml
from fastapi import FastAPI
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase

from support.runbook import PAGE, is_there
from syncworker.hubspot import call_log
from syncworker.hubspot.quota import Lane
from syncworker.store.portals import Mode
from syncworker.sync.marks import Kind, Priority
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.triggers.polling import STREAMS
from syncworker.sync.watch import observed
from syncworker.sync.watch.observed import TRIGGERS
from syncworker.sync.watch.shared_counts import ROLES
from syncworker.web.telemetry import Outcome, Telemetry
from web.deployment import Deployment

CONFIG = Path(__file__).parents[2] / "config"
RULES: list[dict[str, Any]] = yaml.safe_load((CONFIG / "alerts" / "syncworker.yml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((CONFIG / "grafana" / "syncworker.json").read_text())


def queries() -> list[str]:
    of_panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    of_variables = [one["definition"] for one in DASHBOARD["templating"]["list"] if "definition" in one]
    return [*of_panels, *of_variables, *(rule["expr"] for rule in RULES)]


def used() -> set[str]:
    return {name for query in queries() for name in re.findall(r"\bsyncworker_\w+", query)}


def told(client: httpx.Client) -> set[str]:
    """The names that a scrape gives: families without a sample are described all the same."""
    families = re.findall(r"^# TYPE (\w+) (\w+)$", client.get("/metrics").text, re.MULTILINE)
    histograms = {
        f"{name}_{end}" for name, kind in families if kind == "histogram" for end in ("bucket", "count", "sum")
    }
    return {name for name, kind in families if kind != "histogram"} | histograms


# What a label can be, where that is a closed set; by metric where one label means another thing in each.
VALUES: dict[str, set[str]] = {
    "reason": {"", *Blocked},
    "mode": {*Mode},
    "kind": {*Kind},
    "priority": {one.name.lower() for one in Priority},
    "role": {*ROLES},
    "lane": {*Lane},
    "window": {"ten_seconds", "daily"},
    "syncworker_poll_late_seconds trigger": {"form", *(stream.trigger for stream in STREAMS)},
    "syncworker_polls_failing trigger": {"form", *(stream.trigger for stream in STREAMS)},
    "syncworker_lag_seconds_bucket trigger": {*TRIGGERS},
    "syncworker_webhook_requests_total outcome": {*get_args(Outcome)},
    "syncworker_hubspot_calls_total outcome": {*call_log.OUTCOMES},
}
Served = tuple[FastAPI, httpx.URL]
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def labels(app: FastAPI) -> dict[str, set[str]]:
    """Which labels each sample has, whether or not there is one now."""
    counted = [one for module in (call_log, observed) for one in vars(module).values()] + [*vars(Telemetry()).values()]
    found = {
        one._name: {*one._labelnames} for one in counted if isinstance(one, MetricWrapperBase) and not one._labelvalues
    }
    for family in app.state.held.metrics.collect():
        seen = {label for sample in family.samples for label in sample.labels} - {"le"}
        names = {*family._labelnames} if isinstance(family, GaugeMetricFamily) else found.get(family.name, seen)
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        for end in ends:
            found[family.name + end] = names | ({"le"} if end == "_bucket" else set())
    return found


def test_labels_that_are_asked_for_exist_and_can_have_that_value(client: httpx.Client, served: Served) -> None:
    of = labels(served[0])
    for query in queries():
        for name, matchers in re.findall(r"\b(syncworker_\w+)\{([^}]*)\}", query):
            for label, how, value in MATCHER.findall(matchers):
                assert label in of[name], query
                possible = VALUES.get(f"{name} {label}", VALUES.get(label))
                if possible is not None:
                    assert {*(value.split("|") if "~" in how else [value])} <= possible, query
                else:
                    assert value == "$portal", f"say in VALUES what {label} can be: {query}"


def test_labels_that_are_grouped_by_or_told_exist(client: httpx.Client, served: Served) -> None:
    of = labels(served[0])
    asked = [(query, re.findall(r"\b(?:by|on) \(([^)]*)\)", query)) for query in queries()]
    asked += [(rule["expr"], re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) for rule in RULES]
    asked += [
        (target["expr"], re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
        if target.get("legendFormat")
    ]
    for query, groups in asked:
        there = set[str]().union(*(of[name] for name in re.findall(r"\bsyncworker_\w+", query)))
        assert {label.strip() for group in groups for label in group.split(",")} <= there, query


def test_the_runbook_names_all_that_a_scrape_tells(client: httpx.Client) -> None:
    families = re.findall(r"^# TYPE syncworker_(\w+) \w+$", client.get("/metrics").text, re.MULTILINE)
    table = PAGE.read_text(encoding="utf-8").partition("| metric, ")[2].partition("\n\n")[0]
    assert [name for name in families if f"`{name}`" not in table] == []


def test_what_is_shown_and_alarmed_about_exists(client: httpx.Client, deployment: Deployment) -> None:
    assert used() <= told(client)


def test_all_that_a_scrape_tells_is_shown(client: httpx.Client, deployment: Deployment) -> None:
    panels = " ".join(queries())
    unseen = {name for name in told(client) if name.startswith("syncworker_") and name not in panels}
    # A histogram is shown by its buckets, or its count.
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in unseen} <= {
        re.sub(r"_(bucket|count|sum)$", "", name) for name in used()
    }


def test_each_alarm_says_what_it_is_and_leads_to_the_runbook() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert is_there(rule["annotations"]["runbook"]), rule["alert"]


def test_each_panel_says_what_it_shows_and_lies_beside_the_others() -> None:
    cells = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        taken = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        cells |= taken
        assert panel["type"] == "row" or panel["description"], panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
