"""The judge on a pact that names no shapes."""

import json
from typing import Any

import pytest

from bff_contracts.judge import Judge
from bff_contracts.pact.file import read_pact
from tests.support.golden import Golden


def _document(ids: str = "a,b", **response: Any) -> dict[str, Any]:
    return {
        "type": "Synchronous/HTTP",
        "description": "things",
        "request": {
            "method": "GET",
            "path": "/things",
            "query": {"ids": [ids], "sort": ["up"]},
            "matchingRules": {"query": {"ids": {"matchers": [{"match": "regex", "regex": "^[a-z](?:,[a-z])*$"}]}}},
        },
        "response": {"status": 200, **response},
    }


def _judge(**response: Any) -> Judge:
    return _judge_of(_document(**response))


def _judge_of(*interactions: dict[str, Any]) -> Judge:
    pact = {
        "consumer": {"name": "c"},
        "provider": {"name": "p"},
        "interactions": interactions,
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    return Judge(read_pact(json.dumps(pact), source="a.json"))


@pytest.mark.parametrize(
    ("target", "body"),
    [
        pytest.param("/things?ids=x,y&sort=up", [{"x": 1, "y": 2}], id="allowed"),
        pytest.param("/things?ids=x,y&sort=up", [{"x": 1, "y": 2, "z": 3}], id="key-too-many-inside-a-list"),
        pytest.param("/things?ids=x,y&sort=down", [{"x": 1, "y": 2}], id="literal-parameter"),
        pytest.param("/things?ids=x,y", [{"x": 1, "y": 2}], id="no-parameter"),
        pytest.param("/things?ids=x,y&sort=up&sort=down", [{"x": 1, "y": 2}], id="parameter-given-twice"),
        pytest.param("/things?ids=x,y&sort=up", [{"x": 1, "y": 2, "z": 3, "w": 4}], id="keys-too-many-in-their-order"),
    ],
)
def test_a_pact_without_shapes_is_judged(target: str, body: Any, golden: Golden) -> None:
    """Without a shape, the interactions of the endpoint are the yardstick, their literal parameters included."""
    judge = _judge(body={"content": [{"a": 1, "b": 2}], "contentType": "application/json"})

    found = judge.violations(
        method="GET", target=target, status=200, content_type="application/json", body=json.dumps(body).encode()
    )

    golden.check("\n".join(map(str, found)))


OF = {"x": {"by": {"x": 1}}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"of": OF, "items": [{"x": 1}]}, id="allowed"),
        pytest.param({"of": {"x": {"by": {"x": 1, "q": 2}}}, "items": [{"x": 1}]}, id="deep-inside"),
        pytest.param({"of": OF, "items": [{"x": 1, "z": 2}]}, id="in-a-list"),
        pytest.param({"of": OF, "items": [{"x": 1}, {"z": 2}]}, id="a-longer-list-is-the-engines-to-refuse"),
        pytest.param({"of": OF, "items": 5}, id="no-list-at-all"),
        pytest.param({"of": OF, "items": [{"x": 1}], "more": {"z": 1}}, id="a-map-that-the-contract-does-not-have"),
    ],
)
def test_unrequested_keys_are_found_in_nested_maps(body: Any, golden: Golden) -> None:
    """Only maps that the contract keys by the requested ids are checked."""
    judge = _judge(
        body={"content": {"of": {"a": {"by": {"a": 1}}}, "items": [{"a": 1}]}, "contentType": "application/json"},
        ids="a",
    )

    found = judge.violations(
        method="GET",
        target="/things?ids=x&sort=up",
        status=200,
        content_type="application/json",
        body=json.dumps(body).encode(),
    )

    golden.check("\n".join(map(str, found)))


@pytest.mark.parametrize(("kind", "is_allowed"), [("text/html", False), ("application/json", True), (None, True)])
def test_the_type_of_an_undeclared_body_is_guessed(kind: str | None, *, is_allowed: bool) -> None:
    """The same holds for a response without a content type."""
    found = _judge(body={"content": {"c": 1}}).violations(
        method="GET", target="/things?ids=a&sort=up", status=200, content_type=kind, body=b'{"c": 1}'
    )

    assert (found == []) is is_allowed


def test_a_parameter_that_is_named_twice_is_shown_with_both_its_values(golden: Golden) -> None:
    """Literal values are compared in their order."""
    document = _document(body={"content": {"c": 1}})
    document["request"]["query"]["sort"] = ["up", "down"]

    found = _judge_of(document).violations(
        method="GET", target="/things?ids=a&sort=up", status=200, content_type="application/json", body=b'{"c": 1}'
    )

    golden.check("\n".join(map(str, found)))


def test_the_mismatches_are_those_of_the_closest_interaction() -> None:
    """Of several interactions with the status the one with the fewest mismatches speaks."""
    first = _document(body={"content": {"c": 1, "d": 2, "e": {"f": 1}}, "contentType": "application/json"})
    second = {**_document(body={"content": {"c": 9}, "contentType": "application/json"}), "description": "another"}

    found = _judge_of(first, second).violations(
        method="GET",
        target="/things?ids=a,b&sort=up",
        status=200,
        content_type="application/json",
        body=b'{"c": 1, "e": {}}',
    )

    assert [(mismatch.where, mismatch.path) for mismatch in found] == [("body", "$.c")]


@pytest.mark.parametrize(
    ("provider", "reported"),
    [
        pytest.param("result-aggregator-service", [], id="ras-takes-20-by-itself"),
        pytest.param("another-service", ["request limit: is missing"], id="another-provider-does-not"),
    ],
)
def test_defaults_of_parameters_are_those_of_the_provider(provider: str, reported: list[str]) -> None:
    """A contract that demands `limit=20` is kept without it only by a provider that takes 20 then."""
    interaction = _document(body={"content": {}, "contentType": "application/json"})
    interaction["request"] = {"method": "GET", "path": "/things", "query": {"limit": ["20"]}}
    pact = {
        "consumer": {"name": "c"},
        "provider": {"name": provider},
        "interactions": [interaction],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    judge = Judge(read_pact(json.dumps(pact), source="a.json"))

    found = judge.violations(method="GET", target="/things", status=200, content_type="application/json", body=b"{}")

    assert [str(each) for each in found] == reported
