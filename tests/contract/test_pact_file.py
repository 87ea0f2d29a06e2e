"""Reading pact files: what comes out of a good one, and what is said about a bad one."""

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact_file import Interaction, PactError, Rule, State, load_pact, read_pact, shipped_pacts

Change = Callable[[Any], object]

EMPTY: dict[str, Any] = {}

REGEX = {"combine": "AND", "matchers": [{"match": "regex", "regex": "^/things/[a-z]+$"}]}
PACT: dict[str, Any] = {
    "consumer": {"name": "a consumer"},
    "provider": {"name": "a provider"},
    "interactions": [
        {
            "type": "Synchronous/HTTP",
            "description": "a thing",
            "comments": {"role": "shape"},
            "providerStates": [{"name": "there is a thing", "params": {"id": "x"}}, {"name": "it is Monday"}],
            "request": {
                "method": "get",
                "path": "/things/x",
                "query": {"ids": ["a,b"], "sort": ["up"]},
                "headers": {"X-Key": ["k"], "Accept": "application/json"},
                "matchingRules": {
                    "path": REGEX,
                    "query": {"ids": REGEX},
                    "header": {"X-Key": {"matchers": [{"match": "type"}]}},
                },
            },
            "response": {
                "status": 200,
                "headers": {"ETag": ["1"]},
                "body": {"content": {"a": [None]}, "contentType": "application/json", "encoded": False},
                "matchingRules": {"body": {"$.a": {"combine": "OR", "matchers": [{"match": "null"}]}}},
            },
        }
    ],
    "metadata": {"pactSpecification": {"version": "4.0"}},
}


def _read(change: Change = lambda _: None) -> Interaction:
    pact = copy.deepcopy(PACT)
    change(pact)
    return read_pact(json.dumps(pact), source="a.json").interactions[0]


def test_reads_all_parts() -> None:
    """States, role, request, answer and every rule of a file are there, header names in lower case."""
    thing = _read()

    assert (thing.description, thing.role) == ("a thing", "shape")
    assert thing.states == (State("there is a thing", {"id": "x"}), State("it is Monday", {}))
    assert (thing.request.method, thing.request.path) == ("GET", "/things/x")
    assert thing.request.query == {"ids": ("a,b",), "sort": ("up",)}
    assert thing.request.headers == {"x-key": ("k",), "accept": ("application/json",)}
    assert thing.request.path_rule == Rule("AND", ({"match": "regex", "regex": "^/things/[a-z]+$"},))
    assert (list(thing.request.query_rules), list(thing.request.header_rules)) == (["ids"], ["x-key"])
    assert thing.response.headers == {"etag": ("1",), "content-type": ("application/json",)}
    assert (thing.response.status, thing.response.body, thing.response.has_body) == (200, {"a": [None]}, True)
    assert thing.response.rules == {"$.a": Rule("OR", ({"match": "null"},))}
    assert thing.response.rules["$.a"].as_json() == {"combine": "OR", "matchers": [{"match": "null"}]}


def _response(pact: Any) -> Any:
    return pact["interactions"][0]["response"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(None, (None, False), id="null"),
        pytest.param({}, (None, False), id="empty"),
        pytest.param({"content": None}, (None, True), id="json-null"),
        pytest.param({"content": "text", "contentType": "text/plain", "encoded": False}, ("text", True), id="text"),
        pytest.param(
            {"content": "[1]", "contentType": "application/json", "encoded": "JSON"}, ([1], True), id="json-in-text"
        ),
        pytest.param(
            {"content": base64.b64encode(b"{}").decode(), "contentType": "application/json", "encoded": "base64"},
            (EMPTY, True),
            id="base64",
        ),
    ],
)
def test_reads_bodies(body: Any, expected: tuple[Any, bool]) -> None:
    """A body comes out as JSON however it was written, and `null` is told from none."""
    response = _read(lambda pact: _response(pact).update(body=body)).response

    assert (response.body, response.has_body) == expected


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        pytest.param(None, "/things/x", True, id="literal"),
        pytest.param(None, "/things/y", False, id="other-literal"),
        pytest.param(["regex:^/things/[a-z]+$"], "/things/y", True, id="regex"),
        pytest.param(["regex:/things"], "/things/y", False, id="regex-matches-the-whole-path"),
        pytest.param(["regex:^/things/.+$"], "/things/%2F", True, id="raw-path"),
        pytest.param(["regex:^/things/y$"], "/things/y\n", False, id="no-newline"),
        pytest.param(["regex:^/things/y$", "equality"], "/things/y", False, id="and"),
        pytest.param(["type"], "/things/y", True, id="type"),
    ],
)
def test_is_for(rule: list[str] | None, path: str, *, expected: bool) -> None:
    """An interaction is about the paths that its rule allows, or about its own path alone."""

    def change(pact: Any) -> None:
        rules = pact["interactions"][0]["request"]["matchingRules"]
        matchers = [dict(zip(("match", "regex"), matcher.split(":"), strict=False)) for matcher in rule or []]
        rules["path"] = {"matchers": matchers} if rule else {}

    thing = _read(change)

    assert thing.is_for("GET", path) is expected
    assert not thing.is_for("POST", path)


def test_is_for_any_of_several_rules() -> None:
    """With OR one matcher is enough."""

    def change(pact: Any) -> None:
        rules = pact["interactions"][0]["request"]["matchingRules"]
        rules["path"] = {"combine": "OR", "matchers": [{"match": "equality"}, {"match": "regex", "regex": "/y"}]}

    assert [_read(change).is_for("GET", path) for path in ("/things/x", "/y", "/z")] == [True, True, False]


def _thing(pact: Any) -> Any:
    return pact["interactions"][0]


def _rule(rule: Any) -> Change:
    return lambda pact: _response(pact).update(matchingRules={"body": {"$.a": rule}})


def _change(change: Change) -> Change:
    return change


AT = "a.json: interaction 'a thing': $.interactions[0]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            _change(lambda pact: pact.pop("metadata")),
            "a.json: $: not a pact: no $.metadata.pactSpecification.version",
            id="no-version",
        ),
        pytest.param(
            _change(lambda pact: pact["metadata"]["pactSpecification"].update(version="1.1.0")),
            "a.json: $.metadata.pactSpecification.version: expected a pact of specification version 2, 3 or 4, found"
            " version 1.1.0",
            id="version-1",
        ),
        pytest.param(_change(lambda pact: pact.pop("provider")), "a.json: $.provider: is missing", id="no-provider"),
        pytest.param(
            _change(lambda pact: pact.update(interactions={})),
            "a.json: $.interactions: expected an array, found an object",
            id="interactions-as-object",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact).update(description=5)),
            "a.json: $.interactions[0].description: expected a string, found a number",
            id="description-as-number",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact).update(type="Asynchronous/Messages")),
            f"{AT}.type: expected 'Synchronous/HTTP', found 'Asynchronous/Messages'",
            id="message",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact)["request"].pop("path")), f"{AT}.request.path: is missing", id="no-path"
        ),
        pytest.param(
            _change(lambda pact: _thing(pact)["request"].update(query={"ids": [True]})),
            f"{AT}.request.query.ids[0]: expected a string, found a boolean",
            id="query-as-boolean",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact).update(providerStates=[{"name": "a", "params": []}])),
            f"{AT}.providerStates[0].params: expected an object, found an array",
            id="params-as-list",
        ),
        pytest.param(
            _change(lambda pact: _response(pact).update(status="200")),
            f"{AT}.response.status: expected an integer, found a string",
            id="status-as-text",
        ),
        pytest.param(
            _change(lambda pact: _response(pact).update(body={"content": "%", "encoded": "base64"})),
            f"{AT}.response.body.content: cannot be decoded",
            id="not-base64",
        ),
        pytest.param(
            _rule({"combine": "XOR", "matchers": []}),
            f"{AT}.response.matchingRules.body['$.a'].combine: expected one of AND, OR, found 'XOR'",
            id="combination",
        ),
        pytest.param(_rule({}), f"{AT}.response.matchingRules.body['$.a'].matchers: is missing", id="no-matchers"),
        pytest.param(
            _rule({"matchers": [{}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].match: is missing",
            id="no-match",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "regex", "regex": "("}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].regex: not a regular expression",
            id="regex",
        ),
        pytest.param(
            _change(lambda pact: pact["interactions"].append(_thing(pact))),
            "a.json: interaction 'a thing': $.interactions[1]: another interaction has the same description and states",
            id="twins",
        ),
    ],
)
def test_bad_file(change: Change, message: str) -> None:
    """The message names the file, the interaction and the place."""
    with pytest.raises(PactError) as caught:
        _read(change)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"{", "not JSON", id="not-json"),
        pytest.param(b"\xff", "not UTF-8 text", id="not-utf-8"),
        pytest.param(b"null", "expected an object, found null", id="null"),
    ],
)
def test_not_a_pact(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no pact at all is named by its path."""
    path = tmp_path / "b.json"
    path.write_bytes(content)

    with pytest.raises(PactError) as caught:
        load_pact(path)

    assert str(caught.value).startswith(f"{path}: $: {message}")


def test_shipped_pacts() -> None:
    """The package brings one pact for each backend."""
    assert [(pact.consumer, pact.provider) for pact in shipped_pacts()] == [
        ("bff-teacher-service", "class-management-service"),
        ("bff-teacher-service", "result-aggregator-service"),
    ]
