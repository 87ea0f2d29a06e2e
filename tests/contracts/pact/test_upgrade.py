"""Files of older specification versions read as the same contract."""

import json
from typing import Any

import pytest

from bff_contracts.pact.file import Interaction, PactError, Rule, State, read_pact
from bff_contracts.pact.upgrade import upgraded
from tests.support.golden import Golden

V3: dict[str, Any] = {
    "description": "make a thing",
    "providerStates": [{"name": "there is room", "params": {"left": 1}}],
    "request": {
        "method": "POST",
        "path": "/things",
        "query": {"tag": ["a", "b"]},
        "headers": {"Content-Type": "application/json"},
        "body": {"name": "x"},
        "matchingRules": {
            "body": {"$.name": {"matchers": [{"match": "type"}]}},
            "path": {"matchers": [{"match": "regex", "regex": "^/t.*$"}]},
        },
    },
    "response": {"status": 201, "body": {"id": "1"}, "headers": {"Content-Type": "application/json; charset=utf-8"}},
}
V2: dict[str, Any] = {
    "description": "make a thing",
    "providerState": "there is room",
    "request": {
        "method": "post",
        "path": "/things",
        "query": "tag=a&tag=b",
        "headers": {"Content-Type": "application/json"},
        "body": {"name": "x"},
        "matchingRules": {
            "$.path": {"regex": "^/t.*$"},
            "$.body.name": {"match": "type"},
            "$.headers.X-Key": {"match": "regex", "regex": "k"},
            "$.query.tag[0]": {"match": "type"},
            "$.headers['X-Other']": {"match": "type"},
        },
    },
    "response": {"status": 201, "body": {"id": "1"}, "headers": {"Content-Type": "application/json; charset=utf-8"}},
}
PLAIN: dict[str, Any] = {
    "description": "a",
    "request": {"method": "GET", "path": "/"},
    "response": {"status": 200},
}
TYPE = Rule("AND", ({"match": "type"},))


def read(interaction: object, version: str) -> Interaction:
    document = {
        "consumer": {"name": "a"},
        "provider": {"name": "b"},
        "interactions": [interaction],
        "metadata": {"pactSpecification": {"version": version}},
    }
    return read_pact(json.dumps(document), source="old.json").interactions[0]


@pytest.mark.parametrize(
    ("interaction", "version", "params"),
    [pytest.param(V3, "3.0.0", {"left": 1}, id="3"), pytest.param(V2, "2.0.0", {}, id="2")],
)
def test_an_older_file_is_the_same_contract(interaction: object, version: str, params: dict[str, int]) -> None:
    found = read(interaction, version)

    assert found.states == (State("there is room", params),)
    assert (found.request.method, found.request.query) == ("POST", {"tag": ("a", "b")})
    assert (found.request.body, found.request.has_body) == ({"name": "x"}, True)
    assert found.request.rules == {"$.name": TYPE}
    assert found.request.path_rule == Rule("AND", ({"match": "regex", "regex": "^/t.*$"},))
    assert (found.response.status, found.response.body) == (201, {"id": "1"})
    assert found.response.headers["content-type"] == ("application/json; charset=utf-8",)


def test_rules_of_version_2_find_their_part() -> None:
    request = read(V2, "2.0.0").request

    assert request.header_rules == {"x-key": Rule("AND", ({"match": "regex", "regex": "k"},)), "x-other": TYPE}
    assert request.query_rules == {"tag": TYPE}


@pytest.mark.parametrize(
    ("headers", "body", "content_type"),
    [
        pytest.param({}, "hej", "text/plain", id="text"),
        pytest.param({}, [1], "application/json", id="json"),
        pytest.param({"X-Other": "a"}, [1], "application/json", id="another-header"),
    ],
)
def test_the_type_of_a_body_without_a_content_type_is_guessed(
    headers: dict[str, str], body: object, content_type: str
) -> None:
    answer = {"status": 200, "headers": headers, "body": body}

    response = read({**PLAIN, "response": answer}, "3.0.0").response

    assert (response.body, response.headers["content-type"]) == (body, (content_type,))


@pytest.mark.parametrize(
    ("headers", "content_type"),
    [
        pytest.param({"X-Other": "a", "CONTENT-TYPE": "text/plain; a=b"}, "text/plain; a=b", id="a-text"),
        pytest.param({"Content-Type": ["text/plain", "text/csv"]}, "text/plain, text/csv", id="a-list"),
    ],
)
def test_the_content_type_of_a_body_is_its_headers(headers: dict[str, object], content_type: str) -> None:
    document = {"interactions": [{"response": {"headers": headers, "body": {"a": 1}}}]}

    (found,) = upgraded(document, "3")["interactions"]

    assert found["response"]["body"] == {"content": {"a": 1}, "contentType": content_type}


@pytest.mark.parametrize(
    ("older", "states"),
    [
        pytest.param({"providerState": "a"}, [{"name": "a"}], id="version-2"),
        pytest.param({"provider_state": "a"}, [{"name": "a"}], id="version-1"),
        pytest.param({"providerState": "a", "provider_state": "b"}, [{"name": "a"}], id="both"),
        pytest.param({"providerState": "a", "providerStates": [{"name": "b"}]}, [{"name": "b"}], id="newer-one-beside"),
        pytest.param({"providerState": ""}, None, id="empty"),
        pytest.param({"providerState": None}, None, id="none"),
        pytest.param({"providerState": 5}, None, id="no-text"),
    ],
)
def test_one_state_becomes_a_list(older: dict[str, object], states: object) -> None:
    (found,) = upgraded({"interactions": [older]}, "2")["interactions"]

    assert found.get("providerStates") == states
    assert not {"providerState", "provider_state"} & found.keys()


def test_an_empty_value_of_a_query_stays() -> None:
    request = {"method": "GET", "path": "/", "query": "a=&b=1"}

    assert read({**PLAIN, "request": request}, "2.0.0").request.query == {"a": ("",), "b": ("1",)}


def test_rules_that_version_2_does_not_know_stay_for_the_reader_to_refuse() -> None:
    flat = {"$.status": {"match": "type"}, "$.body.a": 5, "$.body.b": {"min": 1}, "$.body.c": {"regex": "c"}}
    (found,) = upgraded({"interactions": [{"response": {"matchingRules": flat}}]}, "2")["interactions"]

    assert found["response"]["matchingRules"] == {
        "body": {
            "$.status": {"matchers": [{"match": "type"}]},
            "$.body.a": {"matchers": [5]},
            "$.b": {"matchers": [{"min": 1}]},
            "$.c": {"matchers": [{"regex": "c"}]},
        }
    }


def test_no_body_stays_none() -> None:
    plain = {"description": "a", "request": {"method": "GET", "path": "/"}, "response": {"status": 204, "body": None}}

    assert read(plain, "2.0.0").response.has_body is False


def test_the_version_is_also_read_where_old_tools_write_it() -> None:
    for metadata in ({"pact-specification": {"version": "2.0.0"}}, {"pactSpecificationVersion": "2.0"}):
        document = {"consumer": {"name": "a"}, "provider": {"name": "b"}, "interactions": [V2], "metadata": metadata}

        assert read_pact(json.dumps(document), source="old.json").interactions[0].description == "make a thing"


@pytest.mark.parametrize(
    "interactions",
    [
        pytest.param({}, id="no-list"),
        pytest.param([1], id="no-object"),
        pytest.param([{"description": "a", "request": 1}], id="request"),
    ],
)
def test_what_is_broken_is_refused_as_in_version_4(interactions: object, golden: Golden) -> None:
    document = {
        "consumer": {"name": "a"},
        "provider": {"name": "b"},
        "interactions": interactions,
        "metadata": {"pactSpecification": {"version": "2.0.0"}},
    }

    with pytest.raises(PactError) as refused:
        read_pact(json.dumps(document), source="old.json")

    golden.check(str(refused.value))
