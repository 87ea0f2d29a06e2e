"""Bodies of requests are held against the contract's example and its rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bff_contracts.pact_file import PactError
from bff_mock_server.contract import compile_pact
from bff_mock_server.matching import MAX_DIFFERENCES
from tests.mock_server.building import app_of, call, interaction, pact, rule

TYPE, INTEGER = rule({"match": "type"}), rule({"match": "integer"})


def posting(wanted: Any, rules: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    parts = {"body": {"id": 1}, **parts}
    made = interaction("make one", method="POST", rules={"body": rules or {}}, **parts)
    made["request"]["body"] = {"content": wanted, "contentType": "application/json", "encoded": False}
    return made


async def differences(example: Any, rules: dict[str, Any], sent: bytes) -> list[tuple[str, str]]:
    answer = await call(app_of(pact(posting(example, rules))), "/things", method="POST", headers={}, body=[sent])
    return [(found["where"], found["rule"]) for found in answer.json.get("differences", ())]


@pytest.mark.parametrize(
    ("example", "rules", "good", "bad", "place"),
    [
        pytest.param({"a": 1}, {}, {"a": 1}, {"a": 2}, ("body $.a", "equality"), id="literal"),
        pytest.param({"a": 1}, {}, {"a": 1}, {"a": True}, ("body $.a", "equality"), id="literal-of-another-type"),
        pytest.param({"a": 1}, {}, {"a": 1}, {}, ("body $.a", "present"), id="missing"),
        pytest.param({"a": 1}, {}, {"a": 1}, {"a": 1, "b c": 2}, ("body $['b c']", "absent"), id="one-too-many"),
        pytest.param({"a": 1}, {"$.a": TYPE}, {"a": 7}, {"a": "7"}, ("body $.a", "type"), id="type"),
        pytest.param({"a": {"b": 1}}, {"$.a": TYPE}, {"a": {"b": 2}}, {"a": {"b": "x"}}, ("body $.a.b", "type"),
                     id="type-of-all-below"),
        pytest.param({"a": {"b": 1}}, {"$.a": TYPE, "$.a.b": rule({"match": "equality"})}, {"a": {"b": 1}},
                     {"a": {"b": 2}}, ("body $.a.b", "equality"), id="the-most-exact-rule-decides"),
        pytest.param([1, 2], {}, [1, 2], [1, 2, 3], ("body $", "equality"), id="list-of-another-length"),
        pytest.param([1], {"$": TYPE}, [3, 4], [3, "x"], ("body $[1]", "type"), id="each-like"),
        pytest.param([1], {"$": rule({"match": "type", "min": 2})}, [3, 4], [3], ("body $", "type"), id="too-few"),
        pytest.param([1], {"$": rule({"match": "type", "max": 2})}, [], [3, 4, 5], ("body $", "type"), id="too-many"),
        pytest.param([{"a": 1}], {"$": TYPE, "$[*].a": INTEGER}, [{"a": 5}], [{"a": 5}, {"a": 5.5}],
                     ("body $[1].a", "integer"), id="rule-for-each"),
        pytest.param({"i": [{"t": [1]}, {"t": [1]}]}, {"$.i": rule({"match": "type", "min": 2})},
                     {"i": [{"t": [1]}, {"t": [2]}]}, {"i": [{"t": [1]}]}, ("body $.i", "type"),
                     id="bounds-are-not-for-lists-below"),
        pytest.param({"a": 1}, {}, {"a": 1}, {"a": 1.0}, ("body $.a", "equality"), id="fraction-for-a-whole"),
        pytest.param({"a": 1}, {"$.a": rule({"match": "decimal"})}, {"a": 1.5}, {"a": 1}, ("body $.a", "decimal"),
                     id="decimal"),
        pytest.param({"a": 1}, {"$.a": rule({"match": "number"})}, {"a": 1.5}, {"a": True}, ("body $.a", "number"),
                     id="number"),
        pytest.param({"a": True}, {"$.a": rule({"match": "boolean"})}, {"a": False}, {"a": "true"},
                     ("body $.a", "boolean"), id="boolean"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "null"}, {"match": "regex", "regex": "[a-z]+"}, combine="OR")},
                     {"a": None}, {"a": "X"}, ("body $.a", "OR"), id="null-or-regex"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "include", "value": "{x}"})}, {"a": "a{x}b"}, {"a": "x"},
                     ("body $.a", "include"), id="include"),
    ],
)  # fmt: skip
async def test_each_rule_tells_good_bodies_from_bad_ones(
    example: Any, rules: dict[str, Any], good: Any, bad: Any, place: tuple[str, str]
) -> None:
    assert await differences(example, rules, json.dumps(good).encode()) == []
    assert await differences(example, rules, json.dumps(bad).encode()) == [place]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["none", "cut-off", "bytes", "too-deep"])
async def test_what_is_no_json_is_a_difference(body: bytes) -> None:
    assert await differences({"a": 1}, {}, body) == [("body $", "json")]


async def test_of_very_many_differences_the_first_are_told() -> None:
    found = await differences([{"a": 1}], {"$": TYPE}, json.dumps([0] * 100_000).encode())

    assert [place for place, _ in found] == [f"body $[{at}]" for at in range(MAX_DIFFERENCES)]


async def test_a_text_is_compared_as_text() -> None:
    made = posting("hej", headers={"Content-Type": ["text/plain"]})
    app = app_of(pact(made))

    answers = [
        await call(app, "/things", method="POST", headers={"Content-Type": "text/plain"}, body=[body])
        for body in (b"hej", b"nej")
    ]

    assert [answer.status for answer in answers] == [200, 400]


async def test_a_refusal_says_what_the_body_has_to_be() -> None:
    app = app_of(pact(posting({"age": 3}, {"$.age": INTEGER})))

    answer = await call(app, "/things", method="POST", headers={}, body=[b'{"age": "three"}'])

    assert answer.json["differences"] == [
        {
            "where": "body $.age",
            "rule": "integer",
            "expected": "a whole number",
            "actual": '"three"',
            "change": "set body $.age: a whole number",
        }
    ]


async def test_interactions_that_differ_in_the_body_alone_are_told_apart() -> None:
    red, blue = posting({"c": "red"}), {**posting({"c": "blue"}, body={"id": 2}), "description": "make a blue one"}
    app = app_of(pact(red, blue))

    answers = [
        await call(app, "/things", method="POST", headers={}, body=[json.dumps({"c": colour}).encode()])
        for colour in ("red", "blue")
    ]

    assert [answer.json for answer in answers] == [{"id": 1}, {"id": 2}]


async def test_a_body_without_an_end_is_cut_off() -> None:
    answer = await call(app_of(pact(posting({}))), "/things", method="POST", body=[b" " * 600_000] * 2)

    assert answer.status == 413


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        pytest.param({"$.a": rule({"match": "date"})}, "$.a.matchers[0].match: the matching rule 'date'", id="unknown"),
        pytest.param({"$.a": rule()}, "$.a: a rule without a matcher", id="no-matcher"),
    ],
)
def test_a_rule_that_cannot_be_honoured_is_refused_at_start(rules: dict[str, Any], place: str) -> None:
    with pytest.raises(PactError) as refused:
        compile_pact(pact(posting({"a": 1}, rules)))

    assert f"request.matchingRules.body.{place}" in str(refused.value)


def test_rules_for_a_body_that_is_not_there_are_refused() -> None:
    with pytest.raises(PactError, match="rules for a body that the request does not have"):
        compile_pact(pact(interaction("a", rules={"body": {"$.a": TYPE}})))
