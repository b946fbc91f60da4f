"""Whatever the operator API's own description allows, and what it does not, it never answers with a 500.

The description itself is under test too: an answer that it does not know of is a failure.
"""

from __future__ import annotations

import os

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from syncworker.web.app import create_app
from web.deployment import NOWHERE, TOKEN, Deployment, settings

THOROUGH = int(os.environ.get("THOROUGH", "1"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


OPERATIONS = [
    operation.ok()
    for operation in schemathesis.openapi.from_dict(
        create_app(settings(f"postgresql://{NOWHERE}/none", f"redis://{NOWHERE}")).openapi()
    )
    .include(path_regex="^/api/v1/")
    # They ask HubSpot, which is not there: each answers 503, after having tried for seconds.
    .exclude(path_regex="^/api/v1/(forms|leads/check)")
    .get_all_operations()
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_the_operator_api_is_as_it_describes_itself(
    operation: schemathesis.APIOperation, client: httpx.Client, deployment: Deployment
) -> None:
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
        case.call_and_validate(
            base_url=str(client.base_url), headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS
        )

    whatever_is_asked()
