"""Whatever the operator API's own description allows, and what it does not, it never answers with a 500.

The description itself is under test too: an answer that it does not know of is a failure.
"""

from __future__ import annotations

import os
import re

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from web.deployment import TOKEN, Deployment
from web.test_every_route import LEAST

THOROUGH = int(os.environ.get("THOROUGH", "1"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


# They ask HubSpot, which is not there: each answers 503, after having tried for seconds.
UNASKED = re.compile("^/api/v1/(forms|leads/check)")
# Read from the table of routes, which a test keeps complete: to describe the API takes each test process seconds.
OPERATIONS = sorted(
    f"{method} {path}" for method, path in LEAST if path.startswith("/api/v1/") and not UNASKED.match(path)
)


@pytest.fixture(scope="session")
def described(served: tuple[FastAPI, httpx.URL]) -> dict[str, schemathesis.APIOperation]:
    """What the API says of itself."""
    found = schemathesis.openapi.from_dict(served[0].openapi()).include(path_regex="^/api/v1/").get_all_operations()
    return {operation.ok().label: operation.ok() for operation in found}


def test_each_operation_is_tried(described: dict[str, schemathesis.APIOperation]) -> None:
    assert sorted(label for label in described if not UNASKED.match(label.partition(" ")[2])) == OPERATIONS


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_operator_api_is_as_it_describes_itself(
    label: str, described: dict[str, schemathesis.APIOperation], client: httpx.Client, deployment: Deployment
) -> None:
    operation = described[label]
    deployment.registered("acme.se")
    deployment.asked("7")
    deployment.record("7", name="Ada Berg", domain="acme.se")

    @hypothesis_settings(
        max_examples=4 * THOROUGH,
        derandomize=THOROUGH == 1,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    def whatever_is_asked(case: schemathesis.Case) -> None:
        if label == "POST /api/v1/resyncs" and isinstance(case.body, dict):
            # Which form is meant is asked of HubSpot, too.
            case.body.pop("form", None)
        case.call_and_validate(
            base_url=str(client.base_url), headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS
        )

    whatever_is_asked()
