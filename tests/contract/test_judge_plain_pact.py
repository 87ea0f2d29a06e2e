"""The judge on a pact that names no shapes."""

import json
from typing import Any

import pytest

from bff_contracts.judge import Judge
from bff_contracts.pact_file import read_pact


def _judge(**response: Any) -> Judge:
    interaction = {
        "type": "Synchronous/HTTP",
        "description": "things",
        "request": {
            "method": "GET",
            "path": "/things",
            "query": {"ids": ["a,b"], "sort": ["up"]},
            "matchingRules": {"query": {"ids": {"matchers": [{"match": "regex", "regex": "^[a-z](?:,[a-z])*$"}]}}},
        },
        "response": {"status": 200, **response},
    }
    pact = {
        "consumer": {"name": "c"},
        "provider": {"name": "p"},
        "interactions": [interaction],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    return Judge(read_pact(json.dumps(pact), source="a.json"))


@pytest.mark.parametrize(
    ("target", "body", "expected"),
    [
        pytest.param("/things?ids=x,y&sort=up", [{"x": 1, "y": 2}], [], id="allowed"),
        pytest.param(
            "/things?ids=x,y&sort=up",
            [{"x": 1, "y": 2, "z": 3}],
            ["body $[0]: has the key 'z', which was not asked for"],
            id="key-too-many-inside-a-list",
        ),
        pytest.param(
            "/things?ids=x,y&sort=down",
            [{"x": 1, "y": 2}],
            ["request sort: expected 'up', found 'down'"],
            id="literal-parameter",
        ),
        pytest.param("/things?ids=x,y", [{"x": 1, "y": 2}], ["request sort: is missing"], id="no-parameter"),
    ],
)
def test_a_pact_without_shapes_is_judged(target: str, body: Any, expected: list[str]) -> None:
    """Without a shape, the interactions of the endpoint are the yardstick, their literal parameters included."""
    judge = _judge(body={"content": [{"a": 1, "b": 2}], "contentType": "application/json"})

    found = judge.violations(
        method="GET", target=target, status=200, content_type="application/json", body=json.dumps(body).encode()
    )

    assert [str(mismatch) for mismatch in found] == expected
