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


def _change(change: Change) -> Change:
    return change


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


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            _change(lambda thing: thing["response"].pop("status")), (200, ("application/json",)), id="no-status"
        ),
        pytest.param(
            _change(lambda thing: thing["response"].update(headers={"Content-Type": "text/plain"})),
            (200, ("text/plain",)),
            id="header-beside-the-declared-type",
        ),
        pytest.param(
            _change(lambda thing: thing["response"]["body"].pop("contentType")), (200, None), id="no-type-declared"
        ),
    ],
)
def test_what_an_answer_leaves_out(change: Change, expected: tuple[int, tuple[str, ...] | None]) -> None:
    """A status is 200 unless it is said, and the content type is the header's before the body's."""
    response = _read(lambda pact: change(pact["interactions"][0])).response

    assert (response.status, response.headers.get("content-type")) == expected


@pytest.mark.parametrize("part", ["comments", "providerStates"])
def test_what_an_interaction_leaves_out(part: str) -> None:
    """Neither a role nor a state need be there."""
    thing = _read(lambda pact: pact["interactions"][0].pop(part))

    assert (thing.role is None, thing.states == ()) == (part == "comments", part == "providerStates")


def test_reads_bodies_and_their_rules_of_requests() -> None:
    """A request's body is read as an answer's, and headers of answers have rules too."""
    rule = {"matchers": [{"match": "type"}]}

    def change(pact: Any) -> None:
        thing = pact["interactions"][0]
        thing["request"].update(body={"content": {"a": 1}, "contentType": "application/json"})
        thing["request"]["matchingRules"]["body"] = {"$.a": rule}
        thing["response"]["matchingRules"]["header"] = {"ETag": rule}

    thing = _read(change)

    assert (thing.request.body, thing.request.has_body) == ({"a": 1}, True)
    assert thing.request.rules == {"$.a": Rule("AND", ({"match": "type"},))}
    assert thing.response.header_rules == {"etag": Rule("AND", ({"match": "type"},))}


def test_interactions_that_differ_in_their_states_alone_are_no_twins() -> None:
    """The same description in other states is another interaction."""

    def change(pact: Any) -> None:
        pact["interactions"].append({**pact["interactions"][0], "providerStates": [{"name": "there is a thing"}]})

    assert _read(change).description == "a thing"


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
        pytest.param({"content": "[1]", "encoded": "JSON"}, ("[1]", True), id="text-of-no-type"),
        pytest.param(
            {"content": base64.b64encode("ö".encode()).decode(), "contentType": "text/plain", "encoded": True},
            ("ö", True),
            id="base64-of-text",
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


def _twins(pact: Any) -> list[Any]:
    """The states of the thing with another param, which comes first in one of them and last in the other."""
    first, *others = _thing(pact)["providerStates"]
    first["params"] = {"id": "x", "n": 1}
    return [{**first, "params": {"n": 1, "id": "x"}}, *others]


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
            _change(lambda pact: _thing(pact)["request"].update(path=None)),
            f"{AT}.request.path: expected a string, found null",
            id="path-as-null",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact)["request"].update(headers={"X Y": [["a"]]})),
            f"{AT}.request.headers['X Y'][0]: expected a string, found an array",
            id="header-as-list-of-lists",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact)["request"].update(query={"_a-1": 1.5})),
            f"{AT}.request.query._a-1: expected an array, found a number",
            id="query-as-number",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact).update(comments="shape")),
            f"{AT}.comments: expected an object, found a string",
            id="comments-as-text",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact).update(comments={"role": 1})),
            f"{AT}.comments.role: expected a string, found a number",
            id="role-as-number",
        ),
        pytest.param(
            _change(lambda pact: _response(pact).update(status=True)),
            f"{AT}.response.status: expected an integer, found a boolean",
            id="status-as-boolean",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact).pop("response")), f"{AT}.response: is missing", id="no-response"
        ),
        pytest.param(_change(lambda pact: _thing(pact).pop("type")), f"{AT}.type: is missing", id="no-type"),
        pytest.param(
            _change(lambda pact: _thing(pact).update(providerStates=[{}])),
            f"{AT}.providerStates[0].name: is missing",
            id="state-without-a-name",
        ),
        pytest.param(
            _change(lambda pact: _response(pact).update(body={"contentType": "a"})),
            f"{AT}.response.body.content: is missing",
            id="body-without-content",
        ),
        pytest.param(
            _change(lambda pact: _response(pact)["body"].update(encoded="JSON", content=5)),
            f"{AT}.response.body.content: expected a string, found a number",
            id="encoded-number",
        ),
        pytest.param(
            _change(lambda pact: _response(pact)["body"].update(contentType=5)),
            f"{AT}.response.body.contentType: expected a string, found a number",
            id="content-type-as-number",
        ),
        pytest.param(
            _change(lambda pact: pact["metadata"].update(pactSpecification={}, pactSpecificationVersion=4)),
            "a.json: $.metadata.pactSpecificationVersion: expected a string, found a number",
            id="version-as-number",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "type", "regex": 5}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].regex: expected a string, found a number",
            id="regex-as-number",
        ),
        pytest.param(
            _change(lambda pact: _response(pact).update(status="200")),
            f"{AT}.response.status: expected an integer, found a string",
            id="status-as-text",
        ),
        pytest.param(
            _change(lambda pact: _response(pact).update(body={"content": "%", "encoded": "base64"})),
            f"{AT}.response.body.content: cannot be decoded (Only base64 data is allowed)",
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
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].regex: not a regular expression"
            " (missing ), unterminated subpattern at position 0)",
            id="regex",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "regex"}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].regex: is missing",
            id="no-regex",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "include"}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].value: is missing",
            id="include-without-a-value",
        ),
        pytest.param(
            _change(lambda pact: pact["interactions"].append(_thing(pact))),
            "a.json: interaction 'a thing': $.interactions[1]: another interaction has the same description and states",
            id="twins",
        ),
        pytest.param(
            _change(lambda pact: pact["interactions"].append(_thing(pact) | {"providerStates": _twins(pact)})),
            "a.json: interaction 'a thing': $.interactions[1]: another interaction has the same description and states",
            id="twins-but-for-the-order-of-their-params",
        ),
        pytest.param(
            _change(lambda pact: _thing(pact)["request"].update(headers={"X-Key": 5})),
            f"{AT}.request.headers.X-Key: expected an array, found a number",
            id="header-as-number",
        ),
    ],
)
def test_bad_file(change: Change, message: str) -> None:
    """The message names the file, the interaction and the place."""
    with pytest.raises(PactError) as caught:
        _read(change)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            b"{",
            "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
            id="not-json",
        ),
        pytest.param(b"\xff", "not UTF-8 text (invalid start byte at byte 0)", id="not-utf-8"),
        pytest.param(b"null", "expected an object, found null", id="null"),
    ],
)
def test_not_a_pact(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no pact at all is named by its path."""
    path = tmp_path / "b.json"
    path.write_bytes(content)

    with pytest.raises(PactError) as caught:
        load_pact(path)

    assert str(caught.value) == f"{path}: $: {message}"


def test_shipped_pacts() -> None:
    """The package brings one pact for each backend."""
    assert [(pact.consumer, pact.provider, pact.source) for pact in shipped_pacts()] == [
        ("bff-teacher-service", provider, f"bff-teacher-service-{provider}.json")
        for provider in ("class-management-service", "result-aggregator-service")
    ]
    assert [pact.document["provider"] for pact in shipped_pacts()] == [
        {"name": pact.provider} for pact in shipped_pacts()
    ]
