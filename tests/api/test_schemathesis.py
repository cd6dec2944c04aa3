"""No request that the OpenAPI document allows, or nearly allows, makes the server fail."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from tests.quiet import quiet_log
from tests.serving import scripted_settings, serving

EXAMPLES_AN_OPERATION = 80


def test_no_500_against_the_document() -> None:
    with quiet_log(), serving(scripted_settings()) as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        assert {operation.label for operation in operations} >= {"POST /v1/chat/completions", "GET /v1/models"}
        for operation in operations:
            takes_something = bool(list(operation.iter_parameters()) or len(operation.body))
            for mode in GenerationMode if takes_something else (GenerationMode.POSITIVE,):

                @settings(max_examples=EXAMPLES_AN_OPERATION, deadline=None, suppress_health_check=list(HealthCheck))
                @given(operation.as_strategy(generation_mode=mode))
                def call(case: Case[Any]) -> None:
                    case.call_and_validate(base_url=server.url, checks=[not_a_server_error])

                call()
