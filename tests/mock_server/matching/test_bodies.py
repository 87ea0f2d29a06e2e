"""Bodies of requests are compared with the contract's example and its rules."""

import json
import sys
from typing import Any

import pytest

from bff_contracts.body_judge import BodyJudge
from bff_contracts.engine import EngineMismatch
from bff_contracts.pact.file import PactError, shipped_pacts
from bff_mock_server.matching.match import MAX_DIFFERENCES
from bff_mock_server.matching.table import compile_pact
from tests.mock_server.building import app_of, call, interaction, pact, rule
from tests.support.golden import Golden

TYPE, INTEGER = rule({"match": "type"}), rule({"match": "integer"})


def posting(wanted: Any, rules: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    parts = {"body": {"id": 1}, **parts}
    made = interaction("make one", method="POST", rules={"body": rules or {}}, **parts)
    made["request"]["body"] = {"content": wanted, "contentType": "application/json", "encoded": False}
    return made


async def differences(example: Any, rules: dict[str, Any], sent: bytes) -> list[tuple[str, str]]:
    answer = await call(app_of(pact(posting(example, rules))), "/things", method="POST", headers={}, body=sent)
    assert answer.status in {200, 400}
    return [(found["where"], found["rule"]) for found in answer.json.get("differences", ())]


@pytest.mark.parametrize(
    ("example", "rules", "good", "bad", "place"),
    [
        pytest.param({"a": 1}, {}, {"a": 1}, {"a": 2}, ("body $.a", "equality"), id="literal"),
        pytest.param({"a": 1}, {}, {"a": 1}, {"a": True}, ("body $.a", "equality"), id="literal-of-another-type"),
        pytest.param({"a": 1}, {}, {"a": 1}, {}, ("body $", "equality"), id="missing"),
        pytest.param({"a": 1}, {}, {"a": 1}, {"a": 1, "b c": 2}, ("body $", "equality"), id="one-too-many"),
        pytest.param({"a": 1}, {"$.a": TYPE}, {"a": 7}, {"a": "7"}, ("body $.a", "type"), id="type"),
        pytest.param({"a": {"b": 1}}, {"$.a": TYPE}, {"a": {"b": 2}}, {"a": {"b": "x"}}, ("body $.a.b", "type"),
                     id="type-of-all-below"),
        pytest.param({"a": {"b": 1}}, {"$.a": TYPE, "$.a.b": rule({"match": "equality"})}, {"a": {"b": 1}},
                     {"a": {"b": 2}}, ("body $.a.b", "equality"), id="the-most-exact-rule-decides"),
        pytest.param([{"a": 1}], {"$": TYPE, "$[*].a": INTEGER, "$[0].a": rule({"match": "equality"})},
                     [{"a": 1}, {"a": 2}], [{"a": 2}], ("body $[0].a", "equality"), id="number-before-star"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "regex", "regex": "[a-z]+"})}, {"a": "yz"}, {"a": "y1"},
                     ("body $.a", "regex"), id="regex"),
        pytest.param("hej", {}, "hej", "nej", ("body $", "equality"), id="json-that-is-a-text"),
        pytest.param([1, 2], {}, [1, 2], [1, 2, 3], ("body $", "equality"), id="list-of-another-length"),
        pytest.param([1, 2], {}, [1, 2], [1, 3], ("body $[1]", "equality"), id="list-item"),
        pytest.param([1], {"$": TYPE}, [3, 4], [3, "x"], ("body $[1]", "type"), id="each-like"),
        pytest.param([1, "x"], {"$": TYPE}, [3, "y", 5], [3, 4], ("body $[1]", "type"),
                     id="each-like-the-item-of-its-place"),
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
        pytest.param({"a": True}, {"$.a": rule({"match": "boolean"})}, {"a": "true"}, {"a": "yes"},
                     ("body $.a", "boolean"), id="boolean"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "null"}, {"match": "regex", "regex": "[a-z]+"}, combine="OR")},
                     {"a": None}, {"a": "X"}, ("body $.a", "OR"), id="null-or-regex"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "include", "value": "{x}"})}, {"a": "a{x}b"}, {"a": "x"},
                     ("body $.a", "include"), id="include"),
    ],
)  # fmt: skip
async def test_each_rule_accepts_good_bodies_and_rejects_bad_ones(
    example: Any, rules: dict[str, Any], good: Any, bad: Any, place: tuple[str, str]
) -> None:
    assert await differences(example, rules, json.dumps(good).encode()) == []
    assert await differences(example, rules, json.dumps(bad).encode()) == [place]


@pytest.mark.parametrize(
    ("example", "rules", "good", "bad"),
    [
        pytest.param("2026-01-31", rule({"match": "date", "format": "yyyy-MM-dd"}), "2025-02-28", "2025-02-30",
                     id="date"),
        pytest.param("12:00", rule({"match": "time", "format": "HH:mm"}), "23:59", "24:61", id="time"),
        pytest.param("x", rule({"match": "notEmpty"}), "y", "", id="not-empty"),
        pytest.param("1.2.3", rule({"match": "semver"}), "2.0.0", "two", id="semver"),
        pytest.param(12345, rule({"match": "regex", "regex": r"\d{5}"}), 54321, 1, id="regex-of-a-number"),
        pytest.param("abc", rule({"match": "regex", "regex": "[[:alpha:]]+"}), "xyz", "1", id="another-dialect"),
        pytest.param({"k": 1}, rule({"match": "eachKey", "rules": [{"match": "regex", "regex": "[a-z]+"}]}), {"q": 1},
                     {"Q": 1}, id="each-key"),
        pytest.param([1, "x"], rule({"match": "type"}), [2, "y"], ["y", 2], id="of-several-types"),
        pytest.param([{"a": 1}], rule({"match": "arrayContains", "variants": [{"index": 0, "rules": {}}]}),
                     [{"b": 1}, {"a": 1}], [{"b": 1}], id="array-contains"),
        pytest.param(1, rule(), 1, 2, id="no-matcher"),
    ],
)  # fmt: skip
async def test_the_engine_decides_about_rules_that_nothing_compiles(
    example: Any, rules: dict[str, Any], good: Any, bad: Any
) -> None:
    assert await differences({"a": example}, {"$.a": rules}, json.dumps({"a": good}).encode()) == []
    assert await differences({"a": example}, {"$.a": rules}, json.dumps({"a": bad}).encode()) != []


LONG = "x" * 300


@pytest.mark.parametrize(
    ("example", "rules", "sent", "expected", "actual"),
    [
        pytest.param({"a": 1}, {}, {"a": 2}, "equal to 1 (Integer)", "2", id="literal"),
        pytest.param({"a": 1}, {}, {"a": LONG}, "equal to 1 (Integer)", f'"{LONG[:199]}…', id="long-value"),
        pytest.param({"a": "x"}, {"$.a": TYPE}, {"a": []}, "the same type as 'x' (String)", "[]", id="type"),
        pytest.param({"a": [1]}, {"$.a": TYPE}, {"a": {}}, "the same type as [1] (Array)", "{}", id="list"),
        pytest.param({"a": "x"}, {"$.a": rule({"match": "regex", "regex": "[a-z]+"})}, {"a": "X"}, "match '[a-z]+'",
                     '"X"', id="regex"),
    ],
)  # fmt: skip
async def test_a_difference_has_expected_and_actual_value(
    example: Any, rules: dict[str, Any], sent: Any, expected: str | None, actual: str | None
) -> None:
    app = app_of(pact(posting(example, rules)))

    answer = await call(app, "/things", method="POST", headers={}, body=json.dumps(sent).encode())

    assert [(found["expected"], found["actual"]) for found in answer.json["differences"]] == [(expected, actual)]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["none", "cut-off", "bytes", "too-deep"])
async def test_a_body_that_is_not_json_is_a_difference(body: bytes) -> None:
    found = await differences({"a": 1}, {}, body)

    assert found
    assert all(where in {"body $", "header content-type"} for where, _ in found)


async def test_only_the_first_of_very_many_differences_are_reported() -> None:
    found = await differences([{"a": 1}], {"$": TYPE}, json.dumps([0] * 5_000).encode())

    assert [place for place, _ in found] == [f"body $[{at}]" for at in range(MAX_DIFFERENCES)]


async def test_a_text_is_compared_as_text() -> None:
    made = posting("hej", headers={"Content-Type": ["text/plain"]})
    made["request"]["body"]["contentType"] = "text/plain"
    app = app_of(pact(made))

    answers = [
        await call(app, "/things", method="POST", headers={"Content-Type": "text/plain"}, body=body)
        for body in (b"hej", b"nej", b"\xff", b'"hej"')
    ]

    assert [answer.status for answer in answers] == [200, 400, 400, 400]


async def test_a_refusal_says_what_the_body_has_to_be(golden: Golden) -> None:
    app = app_of(pact(posting({"age": 3}, {"$.age": INTEGER})))

    answer = await call(app, "/things", method="POST", headers={}, body=b'{"age": "three"}')

    assert answer.json["differences"] == [
        {
            "where": "body $.age",
            "rule": "integer",
            "expected": "an integer",
            "actual": '"three"',
            "change": answer.json["differences"][0]["change"],
        }
    ]
    golden.check(answer.json["detail"])


async def test_interactions_that_differ_in_the_body_alone_are_distinguished() -> None:
    red, blue = posting({"c": "red"}), {**posting({"c": "blue"}, body={"id": 2}), "description": "make a blue one"}
    app = app_of(pact(red, blue))

    answers = [
        await call(app, "/things", method="POST", headers={}, body=json.dumps({"c": colour}).encode())
        for colour in ("red", "blue")
    ]

    assert [answer.json for answer in answers] == [{"id": 1}, {"id": 2}]


def test_a_rule_that_pact_does_not_know_is_refused_at_start(golden: Golden) -> None:
    with pytest.raises(PactError) as refused:
        pact(posting({"a": 1}, {"$.a": rule({"match": "dat"})}))

    golden.check(str(refused.value))


async def test_rules_for_a_body_that_is_not_there_say_nothing() -> None:
    app = app_of(pact(interaction("a", rules={"body": {"$.a": TYPE}})))

    assert (await call(app, "/things")).status == 200


@pytest.mark.parametrize(
    ("kind", "example", "rules", "good", "bad"),
    [
        pytest.param("application/x-www-form-urlencoded", "a=1&b=2", {},
                     [b"b=2&a=1", b"a=%31&b=2"], [b"a=1", b"a=1&b=2&c=3"], id="form"),
        pytest.param("application/x-www-form-urlencoded", "a=1", {"$.a": rule({"match": "regex", "regex": "[0-9]"})},
                     [b"a=2"], [b"a=x"], id="form-rule"),
        pytest.param("application/xml", "<a><b>1</b></a>", {}, [b"<a>\n <b>1</b>\n</a>"],
                     [b"<a><b>1</b><c/></a>", b"<a x='1'><b>1</b></a>"], id="xml"),
        pytest.param("application/x-ndjson", '{"a":1}\n{"b":2}', {}, [b'{"a":1}\n{"b":2}'], [b'{"a":1}'], id="ndjson"),
    ],
)  # fmt: skip
async def test_each_content_type_is_compared_by_its_kind(
    kind: str, example: str, rules: dict[str, Any], good: list[bytes], bad: list[bytes]
) -> None:
    made = posting(example, rules, headers={"Content-Type": [kind]})
    made["request"]["body"]["contentType"] = kind
    app = app_of(pact(made))

    async def status(body: bytes) -> int:
        return (await call(app, "/things", method="POST", headers={"Content-Type": kind}, body=body)).status

    assert [await status(body) for body in good] == [200] * len(good)
    assert [await status(body) for body in bad] == [400] * len(bad)


def upload(boundary: str, text: str, name: str = "note") -> str:
    part = f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'
    return f"--{boundary}\r\n{part}\r\n--{boundary}--\r\n"


@pytest.mark.parametrize(
    ("rules", "boundary", "text", "name", "status"),
    [
        pytest.param({}, "A1", "hej", "note", 200, id="the-example"),
        pytest.param({}, "B2", "hej", "note", 200, id="another-boundary"),
        pytest.param({}, "B2", "other", "note", 400, id="another-text"),
        pytest.param({}, "B2", "hej", "other", 400, id="another-part"),
        pytest.param({"$.note": TYPE}, "B2", "other", "note", 200, id="a-rule-for-the-part"),
    ],
)
async def test_a_multipart_body_is_compared_part_by_part(
    rules: dict[str, Any], boundary: str, text: str, name: str, status: int
) -> None:
    kind = "multipart/form-data; boundary="
    made = posting(upload("A1", "hej"), rules, headers={"Content-Type": [f"{kind}A1"]})
    made["request"]["body"]["contentType"] = f"{kind}A1"
    any_boundary = rule({"match": "regex", "regex": r"multipart/form-data;\s*boundary=.*"})
    made["request"]["matchingRules"]["header"] = {"Content-Type": any_boundary}
    sent, headers = upload(boundary, text, name).encode(), {"Content-Type": f"{kind}{boundary}"}

    answer = await call(app_of(pact(made)), "/things", method="POST", headers=headers, body=sent)

    assert answer.status == status


async def test_bytes_are_compared_as_bytes() -> None:
    made = posting("/wD+", headers={"Content-Type": ["image/gif"]})
    made["request"]["body"] = {"content": "/wD+", "contentType": "image/gif", "encoded": "base64"}
    app = app_of(pact(made))

    answers = [
        await call(app, "/things", method="POST", headers={"Content-Type": "image/gif"}, body=body)
        for body in (b"\xff\x00\xfe", b"\xff\x00\xff")
    ]

    assert [answer.status for answer in answers] == [200, 400]


async def test_the_type_of_a_body_is_checked_though_no_header_is_in_the_contract() -> None:
    app = app_of(pact(posting({"a": 1})))

    statuses = [
        (await call(app, "/things", method="POST", headers=headers, body=b'{"a":1}')).status
        for headers in ({}, {"Content-Type": "application/json; charset=utf-8"}, {"Content-Type": "text/plain"})
    ]

    assert statuses == [200, 200, 400]


async def test_a_body_declared_as_empty_has_to_be_empty() -> None:
    made = posting(None)
    app = app_of(pact(made))

    statuses = [
        (await call(app, "/things", method="POST", headers={}, body=body)).status for body in (b"", b"null", b"{}")
    ]

    assert statuses == [200, 400, 400]


def test_without_the_engine_a_contract_that_needs_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.setitem(sys.modules, "pact_ffi", None)
    monkeypatch.delitem(sys.modules, "bff_contracts.engine", raising=False)

    with pytest.raises(PactError) as refused:
        compile_pact(pact(posting({"a": 1})))

    golden.check(str(refused.value))


def test_an_engine_that_lacks_a_function_is_named_at_start(monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    monkeypatch.delattr("pact_ffi.with_binary_body")

    with pytest.raises(PactError) as refused:
        compile_pact(pact(posting({"a": 1})))

    golden.check(str(refused.value))


def test_the_shipped_contracts_need_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pact_ffi", None)
    monkeypatch.delitem(sys.modules, "bff_contracts.engine", raising=False)

    tables = [compile_pact(shipped) for shipped in shipped_pacts()]

    assert all(case.whole is None for table in tables for endpoint in table.endpoints for case in endpoint.cases)


@pytest.fixture
def asked_engine(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that the engine decides about, in this test."""
    asked: list[bytes] = []
    allows = BodyJudge.allows

    def noting(judge: BodyJudge, types: tuple[str, ...], body: bytes) -> bool:
        asked.append(body)
        return allows(judge, types, body)

    monkeypatch.setattr(BodyJudge, "allows", noting)
    return asked


async def test_the_engine_is_asked_once_about_requests_that_are_alike(asked_engine: list[bytes]) -> None:
    app = app_of(pact(posting({"a": 1}, {"$.a": TYPE})))
    statuses: list[int] = []
    for number, body in enumerate([b'{"a": 2}', b'{"a": "x"}'] * 2):
        headers = {"X-Correlation-ID": f"3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d0{number}"}
        answer = await call(app, "/things", method="POST", headers=headers, body=body)
        statuses.append(answer.status)

    assert statuses == [200, 400] * 2
    assert asked_engine == [b'{"a": 2}', b'{"a": "x"}']


async def test_a_wrong_body_that_is_repeated_is_explained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    explained: list[bytes] = []
    mismatches = BodyJudge.mismatches

    def noting(judge: BodyJudge, types: tuple[str, ...], body: bytes) -> list[EngineMismatch]:
        explained.append(body)
        return mismatches(judge, types, body)

    monkeypatch.setattr(BodyJudge, "mismatches", noting)
    app = app_of(pact(posting({"a": 1}, {"$.a": TYPE})))
    answers = [await call(app, "/things", method="POST", headers={}, body=b'{"a": "x"}') for _ in range(3)]

    assert len({answer.body for answer in answers}) == 1
    assert explained == [b'{"a": "x"}']


async def test_a_correlation_id_that_the_contract_names_is_part_of_what_is_alike() -> None:
    rules = {"header": {"X-Correlation-ID": rule({"match": "regex", "regex": "[a-z]+"})}}
    made = posting({"a": 1}, headers={"X-Correlation-ID": "abc"})
    made["request"]["matchingRules"] = rules
    app = app_of(pact(made))

    answers = [
        (await call(app, "/things", method="POST", headers={"X-Correlation-ID": value}, body=b'{"a": 1}')).status
        for value in ("xyz", "123", "xyz", "123")
    ]

    assert answers == [200, 400] * 2


async def test_the_engine_is_asked_about_every_large_request(asked_engine: list[bytes]) -> None:
    app = app_of(pact(posting({"a": "x"}, {"$.a": TYPE})))
    large = json.dumps({"a": "x" * 5000}).encode()

    answers = [(await call(app, "/things", method="POST", headers={}, body=large)).status for _ in range(2)]

    assert (answers, len(asked_engine)) == ([200] * 2, 2)
