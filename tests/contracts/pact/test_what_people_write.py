"""Files as people write them are read as the official engine reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact.file import Interaction, Pact, load_pact, read_pact
from tests.support.golden import Golden

JSON = {"Content-Type": "application/json"}


def document(*interactions: dict[str, Any], version: str | None = "3.0.0", **more: Any) -> dict[str, Any]:
    metadata = {} if version is None else {"metadata": {"pactSpecification": {"version": version}}}
    names = {"consumer": {"name": "c"}, "provider": {"name": "p"}}
    return {**names, "interactions": list(interactions), **metadata, **more}


def read(made: dict[str, Any]) -> Pact:
    return read_pact(json.dumps(made), source="a.json")


def one(version: str = "3.0.0", **parts: Any) -> Interaction:
    return read(document({"description": "x", **parts}, version=version)).interactions[0]


def test_a_file_without_a_version_is_read_as_version_3_with_a_note(golden: Golden) -> None:
    found = read(document({"description": "x", "request": {"query": "a=1"}}, version=None))

    assert found.interactions[0].request.query == {"a": ("1",)}
    golden.check("\n".join(found.notes))


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document({"description": "x"})), encoding="utf-8-sig")

    assert load_pact(path).interactions[0].description == "x"


def test_version_1_has_no_rules() -> None:
    rules = {"$.path": {"match": "regex", "regex": ".*"}}

    assert one("1.0.0", request={"path": "/a", "matchingRules": rules}).request.path_rule is None


def test_messages_are_left_out_with_a_note(golden: Golden) -> None:
    message = {"type": "Asynchronous/Messages", "description": "m"}
    http = {"type": "Synchronous/HTTP", "description": "h"}

    found = read(document(message, http, version="4.0"))

    assert [interaction.description for interaction in found.interactions] == ["h"]
    golden.check("\n".join(found.notes))


def test_a_file_of_messages_alone_has_no_interactions(golden: Golden) -> None:
    made = document(messages=[{"description": "m"}])
    del made["interactions"]

    found = read(made)

    assert found.interactions == ()
    golden.check("\n".join(found.notes))


def test_null_is_as_good_as_absent() -> None:
    found = one(
        providerState=None,
        providerStates=None,
        request={"method": None, "path": None, "headers": None, "query": None, "matchingRules": None},
        response={"headers": None, "generators": None, "status": None},
    )

    request, response = found.request, found.response
    assert (request.method, request.path, request.headers, request.query) == ("GET", "/", {}, {})
    assert (response.status, response.headers, response.generators, found.states) == (200, {}, {}, ())


def test_what_is_missing_is_what_the_engine_takes_it_for() -> None:
    (found,) = read(document({})).interactions

    assert (found.description, found.request.method, found.request.path) == ("interaction 0", "GET", "/")
    assert found.response.status == 200


def test_numbers_and_truth_values_are_texts_in_headers_and_queries() -> None:
    request = one(request={"headers": {"X-Id": 5}, "query": {"n": [1.5, True, None]}}).request

    assert (request.headers, request.query) == ({"x-id": ("5",)}, {"n": ("1.5", "true", "")})


def test_two_interactions_of_one_description_are_two() -> None:
    assert len(read(document({"description": "x"}, {"description": "x"})).interactions) == 2


@pytest.mark.parametrize(
    ("version", "headers", "body", "raw"),
    [
        pytest.param("3.0.0", JSON, {"a": 1}, b'{"a":1}', id="json"),
        pytest.param("3.0.0", JSON, '{"a":1}', b'{"a":1}', id="text-of-an-object"),
        pytest.param("3.0.0", JSON, "[1]", b'"[1]"', id="text-of-a-list-is-a-string"),
        pytest.param("3.0.0", JSON, "hej", b'"hej"', id="string"),
        pytest.param("3.0.0", {}, "hej", b"hej", id="text-of-no-type"),
        pytest.param("3.0.0", {}, '{"a":1}', b'{"a":1}', id="json-of-no-type"),
        pytest.param("3.0.0", {"Content-Type": "image/gif"}, "/wD+", b"\xff\x00\xfe", id="base64"),
        pytest.param("3.0.0", {"Content-Type": "image/gif"}, "no base64!", b"no base64!", id="no-base64"),
        pytest.param("3.0.0", {"Content-Type": "text/plain"}, "aGVq", b"aGVq", id="text-like-base64"),
        pytest.param("3.0.0", {"Content-Type": "application/x-ndjson"}, '{"a":1}\n{}', b'{"a":1}\n{}', id="ndjson"),
        pytest.param("4.0", {}, {"content": "hej", "contentType": "application/json"}, b'"hej"', id="4-string"),
        pytest.param("4.0", {}, {"content": '{"a":1}', "contentType": "application/json"}, b'"{\\"a\\":1}"',
                     id="4-text-of-an-object-is-a-string"),
        pytest.param("4.0", {}, {"content": "hej", "contentType": "application/json", "encoded": "JSON"}, b"hej",
                     id="4-no-json"),
        pytest.param("4.0", {}, {"content": "/wD+", "contentType": "image/gif", "encoded": "base64"}, b"\xff\x00\xfe",
                     id="4-base64"),
    ],
)  # fmt: skip
def test_a_body_is_these_bytes(version: str, headers: dict[str, str], body: Any, raw: bytes) -> None:
    content = one(version, response={"headers": headers, "body": body}).response.content

    assert content is not None
    assert content.raw == raw


def test_a_header_or_a_parameter_without_values_asks_for_nothing() -> None:
    request = one(request={"headers": {"X-A": []}, "query": {"a": [], "b": ["1"]}}).request

    assert (request.headers, request.query) == ({}, {"b": ("1",)})


@pytest.mark.parametrize("body", ["", None])
def test_an_empty_body_is_distinguished_from_none(body: object) -> None:
    request = one(request={"headers": JSON, "body": body}).request

    assert (request.content, request.wants_no_body) == (None, True)


def test_an_undeclared_body_allows_any() -> None:
    assert not one(request={"method": "POST"}).request.wants_no_body


@pytest.mark.parametrize(
    ("rules", "category", "keys"),
    [
        pytest.param({"headers": {"A": {"matchers": [{"match": "type"}]}}}, "header_rules", ["a"], id="plural"),
        pytest.param({"$.body.a": {"match": "type"}}, "rules", ["$.a"], id="version-2-in-3"),
        pytest.param({"$['body']['a']": {"match": "type"}}, "rules", ["$['a']"], id="brackets"),
        pytest.param({"$.query[0].q": {"match": "type"}}, "query_rules", ["q"], id="number-before-the-name"),
        pytest.param({"$.headers['X-A'][0]": {"match": "type"}}, "header_rules", ["x-a"], id="number-behind-it"),
    ],
)
def test_rules_are_found_however_they_are_spelled(rules: Any, category: str, keys: list[str]) -> None:
    assert list(getattr(one(request={"matchingRules": rules}).request, category)) == keys


@pytest.mark.parametrize(
    ("matcher", "name"),
    [({"min": 1}, "type"), ({"regex": "a"}, "regex"), ({"date": "yyyy"}, "date"), ({}, "type")],
)
def test_a_matcher_without_a_name_is_the_one_that_its_members_imply(matcher: Any, name: str) -> None:
    rules = {"body": {"$.a": {"matchers": [matcher]}}}

    (found,) = one(request={"matchingRules": rules}).request.rules["$.a"].matchers

    assert found == {"match": name, **matcher}


def test_regular_expressions_of_responses_are_not_run() -> None:
    rules = {"body": {"$.a": {"matchers": [{"match": "regex", "regex": r"\Qa\E("}]}}}

    assert one(response={"matchingRules": rules}).response.rules
