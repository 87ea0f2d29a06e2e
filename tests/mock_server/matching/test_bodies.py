"""Bodies of requests are held against the contract's example and its rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bff_contracts.pact.file import PactError
from bff_mock_server.matching.match import MAX_DIFFERENCES
from bff_mock_server.matching.table import compile_pact
from tests.mock_server.building import app_of, call, interaction, pact, rule

TYPE, INTEGER = rule({"match": "type"}), rule({"match": "integer"})


def posting(wanted: Any, rules: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    parts = {"body": {"id": 1}, **parts}
    made = interaction("make one", method="POST", rules={"body": rules or {}}, **parts)
    made["request"]["body"] = {"content": wanted, "contentType": "application/json", "encoded": False}
    return made


async def differences(example: Any, rules: dict[str, Any], sent: bytes) -> list[tuple[str, str]]:
    answer = await call(app_of(pact(posting(example, rules))), "/things", method="POST", headers={}, body=[sent])
    assert answer.status in {200, 400}
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
        pytest.param([{"a": 1}], {"$": TYPE, "$[*].a": INTEGER, "$[0].a": rule({"match": "equality"})},
                     [{"a": 1}, {"a": 2}], [{"a": 2}], ("body $[0].a", "equality"), id="number-before-star"),
        pytest.param({"a": {"b": 1}}, {"$.*.b": INTEGER, "$.a.*": TYPE}, {"a": {"b": 2}}, {"a": {"b": 1.5}},
                     ("body $.a.b", "integer"), id="of-equals-the-first-decides"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "regex", "regex": "[a-z]+"})}, {"a": "yz"}, {"a": "y1"},
                     ("body $.a", "regex"), id="regex"),
        pytest.param("hej", {}, "hej", "nej", ("body $", "equality"), id="json-that-is-a-text"),
        pytest.param([1, 2], {}, [1, 2], [1, 2, 3], ("body $", "equality"), id="list-of-another-length"),
        pytest.param([1, 2], {}, [1, 2], [1, 3], ("body $[1]", "equality"), id="list-item"),
        pytest.param([1], {"$": TYPE}, [3, 4], [3, "x"], ("body $[1]", "type"), id="each-like"),
        pytest.param([1, "x"], {"$": TYPE}, [3, 4, 5], [3, "x"], ("body $[1]", "type"), id="each-like-the-first"),
        pytest.param([1], {"$": rule({"match": "type", "max": 2})}, [3, 4], [3, 4, 5], ("body $", "type"),
                     id="as-many-as-may-be"),
        pytest.param([1], {"$": rule({"match": "type", "min": 2})}, [3, 4], [], ("body $", "type"),
                     id="as-few-as-may-be"),
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
        pytest.param({"a": {"b": 1}}, {"$.a": rule({"match": "null"}, {"match": "type"}, combine="OR")},
                     {"a": {"c": 2}}, {"a": [1]}, ("body $.a", "OR"), id="null-or-any-object"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "include", "value": "{x}"})}, {"a": "a{x}b"}, {"a": "x"},
                     ("body $.a", "include"), id="include"),
    ],
)  # fmt: skip
async def test_each_rule_tells_good_bodies_from_bad_ones(
    example: Any, rules: dict[str, Any], good: Any, bad: Any, place: tuple[str, str]
) -> None:
    assert await differences(example, rules, json.dumps(good).encode()) == []
    assert await differences(example, rules, json.dumps(bad).encode()) == [place]


def regex_and(*more: dict[str, Any], combine: str = "AND") -> dict[str, Any]:
    return rule({"match": "regex", "regex": "[a-z]+"}, *more, combine=combine)


LONG = "x" * 300
NULL_OR_ALIKE = rule({"match": "null"}, {"match": "type"}, combine="OR")


@pytest.mark.parametrize(
    ("example", "rules", "sent", "expected", "actual"),
    [
        pytest.param({"a": 1}, {}, {"a": 2}, "1", "2", id="literal"),
        pytest.param({"a": {"b": "ö"}}, {}, {}, '{"b":"ö"}', None, id="missing"),
        pytest.param({}, {}, {"a": "ö"}, None, '"ö"', id="one-too-many"),
        pytest.param([1, 2], {}, [3], "2 items", "[3]", id="list-of-another-length"),
        pytest.param({"a": LONG}, {}, {"a": 1}, f'"{LONG[:199]}…', "1", id="long-example"),
        pytest.param({"a": 1}, {}, {"a": LONG}, "1", f'"{LONG[:199]}…', id="long-value"),
        pytest.param({"a": 1}, {}, {"a": LONG[:198]}, "1", f'"{LONG[:198]}"', id="as-long-as-is-shown"),
        pytest.param({"a": None}, {"$.a": TYPE}, {"a": 1}, "a null", "1", id="null"),
        pytest.param({"a": True}, {"$.a": TYPE}, {"a": 1}, "a boolean", "1", id="boolean"),
        pytest.param({"a": 1}, {"$.a": TYPE}, {"a": True}, "a number", "true", id="number"),
        pytest.param({"a": 1.5}, {"$.a": TYPE}, {"a": "x"}, "a number", '"x"', id="fraction"),
        pytest.param({"a": "x"}, {"$.a": TYPE}, {"a": []}, "a text", "[]", id="text"),
        pytest.param({"a": [1]}, {"$.a": TYPE}, {"a": {}}, "[1]", "{}", id="list"),
        pytest.param({"a": {"b": 1}}, {"$.a": TYPE}, {"a": []}, '{"b":1}', "[]", id="object"),
        pytest.param({"a": {"b": 1}}, {"$.a": NULL_OR_ALIKE}, {"a": []}, "null or an object", "[]", id="or-object"),
        pytest.param({"a": [1]}, {"$.a": NULL_OR_ALIKE}, {"a": {}}, "null or a list", "{}", id="or-list"),
        pytest.param([1], {"$": rule({"match": "type", "min": 2})}, [3], "a list with at least 2 items", "[3]",
                     id="too-few"),
        pytest.param([1], {"$": rule({"match": "type", "min": 1, "max": 2})}, [3, 4, 5],
                     "a list with at least 1 items and at most 2 items", "[3,4,5]", id="too-many"),
        pytest.param({"a": 1}, {"$.a": rule({"match": "equality"})}, {"a": 2}, "1", "2", id="equality"),
        pytest.param({"a": 1}, {"$.a": rule({"match": "decimal"})}, {"a": 1}, "a decimal number", "1", id="decimal"),
        pytest.param({"a": 1}, {"$.a": rule({"match": "number"})}, {"a": "1"}, "a number", '"1"', id="any-number"),
        pytest.param({"a": 1}, {"$.a": rule({"match": "boolean"})}, {"a": 1}, "true or false", "1", id="any-boolean"),
        pytest.param({"a": None}, {"$.a": rule({"match": "null"})}, {"a": 1}, "null", "1", id="null-alone"),
        pytest.param({"a": "x"}, {"$.a": regex_and()}, {"a": "X"}, "a text that matches [a-z]+", '"X"', id="regex"),
        pytest.param({"a": "x"}, {"$.a": regex_and()}, {"a": 5}, "a text that matches [a-z]+", "5", id="regex-no-text"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "include", "value": "x"})}, {"a": ["x"]},
                     "a text that contains 'x'", '["x"]', id="include"),
        pytest.param({"a": "x"}, {"$.a": regex_and({"match": "include", "value": "q"})}, {"a": "x"},
                     "a text that matches [a-z]+ and a text that contains 'q'", '"x"', id="both"),
        pytest.param({"a": "x"}, {"$.a": regex_and({"match": "integer"}, combine="OR")}, {"a": "X"},
                     "a text that matches [a-z]+ or a whole number", '"X"', id="either"),
    ],
)  # fmt: skip
async def test_a_difference_says_what_would_do_and_what_was_sent(
    example: Any, rules: dict[str, Any], sent: Any, expected: str | None, actual: str | None
) -> None:
    app = app_of(pact(posting(example, rules)))

    answer = await call(app, "/things", method="POST", headers={}, body=[json.dumps(sent).encode()])

    assert [(found["expected"], found["actual"]) for found in answer.json["differences"]] == [(expected, actual)]


@pytest.mark.parametrize(
    ("sent", "actual"),
    [
        pytest.param(b"", None, id="none"),
        pytest.param(b"hej \xff", "hej \ufffd", id="no-json"),
        pytest.param(b"x" * 201, "x" * 200 + "…", id="long"),
    ],
)
async def test_what_is_no_json_is_told(sent: bytes, actual: str | None) -> None:
    answer = await call(app_of(pact(posting({"a": 1}))), "/things", method="POST", headers={}, body=[sent])

    assert answer.json["differences"] == [
        {
            "where": "body $",
            "rule": "json",
            "expected": "a JSON document",
            "actual": actual,
            "change": f"{'set' if actual else 'add'} body $: a JSON document",
        }
    ]


async def test_half_a_character_of_a_body_is_told_in_text_as_well() -> None:
    app = app_of(pact(posting({"a": 1})))

    answer = await call(app, "/things", method="POST", headers={"Accept": "text/plain"}, body=[b'{"a": "\\ud800"}'])

    assert '    actual    "\\ud800"' in answer.body.decode().splitlines()


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
        for body in (b"hej", b"nej", b"\xff", b'"hej"')
    ]

    assert [answer.status for answer in answers] == [200, 400, 400, 400]


async def test_what_is_no_text_is_compared_as_json_whatever_its_header_says() -> None:
    app = app_of(pact(posting({"a": 1}, headers={"Content-Type": ["text/plain"]})))

    answer = await call(app, "/things", method="POST", headers={"Content-Type": "text/plain"}, body=[b'{"a":  1}'])

    assert answer.status == 200


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
        pytest.param(
            {"$.a": rule({"match": "date"})},
            "$.a.matchers[0].match: the matching rule 'date' cannot be honoured on a request's body",
            id="unknown",
        ),
        pytest.param({"$.a": rule()}, "$.a: a rule without a matcher", id="no-matcher"),
    ],
)
def test_a_rule_that_cannot_be_honoured_is_refused_at_start(rules: dict[str, Any], place: str) -> None:
    with pytest.raises(PactError) as refused:
        compile_pact(pact(posting({"a": 1}, rules)))

    assert str(refused.value) == (
        f"thing.json: interaction 'make one': $.interactions[0].request.matchingRules.body.{place}"
    )


def test_rules_for_a_body_that_is_not_there_are_refused() -> None:
    with pytest.raises(PactError) as refused:
        compile_pact(pact(interaction("a", rules={"body": {"$.a": TYPE}})))

    assert str(refused.value) == (
        "thing.json: interaction 'a': $.interactions[0].request.matchingRules.body: "
        "rules for a body that the request does not have"
    )
