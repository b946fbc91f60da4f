"""What is shown and alarmed about is what a scrape tells, and each alarm leads to the runbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import yaml

from support.runbook import is_there
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
